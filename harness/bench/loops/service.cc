// What a census costs a server under load: the processor time of its thread for a request that each
// of its clients makes at the same moment, on a connection that stays open.
#include "tests/services/service.h"

#include <fmt/format.h>
#include <pthread.h>

#include <cstdint>
#include <deque>
#include <string>
#include <thread>

#include "bench/measure.h"
#include "tests/services/client.h"

#ifdef WATCHED
#include "afterleak/loops/loops.h"
constexpr const char* kPeer = "watched";
#else
constexpr const char* kPeer = "unwatched";
#endif

namespace {

void Request(benchmark::State& state) {
  const auto server = fixed::MakeServer([](const std::string& key) { return key; });
  std::thread thread([&] { server->Run(); });
  clockid_t its_time;
  pthread_getcpuclockid(thread.native_handle(), &its_time);
  std::deque<services::Client> clients;
  for (std::int64_t i = 0; i < state.range(0); ++i) clients.emplace_back(server->port());
#ifdef WATCHED
  const std::int64_t armed = afterleak::loops::Totals().armed;
#endif
  double seconds = 0;
  bool answered = true;
  while (state.KeepRunningBatch(state.range(0))) {
    const double began = bench::CpuSeconds(its_time);
    for (services::Client& client : clients) client.Ask("/key");
    for (services::Client& client : clients) answered = client.Answer() == 200 && answered;
    seconds += bench::CpuSeconds(its_time) - began;
  }
  state.SetIterationTime(seconds);
  bench::Expect(state, answered, "not answered");
#ifdef WATCHED
  bench::Expect(state, afterleak::loops::Totals().armed - armed >= state.iterations(), "not seen");
#endif
  server->Stop();
  thread.join();
}

}  // namespace

int main(int argc, char** argv) {
  const std::string name = fmt::format("Request_{}/{}", SERVICE, kPeer);
  benchmark::RegisterBenchmark(name.c_str(), Request)->Arg(32)->UseManualTime();
  return bench::RunBenchmarks(argc, argv);
}
