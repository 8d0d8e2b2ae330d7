// What virtual time costs on an event loop: the real time of whole runs, in which threads wait for
// each other, too.
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <thread>

#include "afterleak/loops/loop_bubble.h"
#include "bench/measure.h"
#include LOOP_HEADER

namespace {

using afterleak::loops::LoopBubble;
using namespace std::chrono_literals;

// Outside of a bubble, where the clock is the real one.
void Measure(benchmark::State& state, const auto& run) {
  while (state.KeepRunning()) {
    const auto began = std::chrono::steady_clock::now();
    run();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    state.SetIterationTime(took.count());
  }
}

// An hour with a tick each 3 s.
void Hour(benchmark::State& state) {
  Measure(state, [&] {
    LoopBubble bubble;
    LOOP_CLASS loop;
    int ticks = 0;
    loop.Every(3s, [&] { ++ticks; });
    bubble.Go([&] { loop.Run(); }, [&] { loop.Stop(); });
    bubble.AdvanceTo(1h + loop.slack());
    bubble.Finish();
    bench::Expect(state, ticks == 1200, "other than 1200 ticks");
  });
}

// A minute in which a thread asks the loop's that many times a second, and waits for each answer. A
// request has a limit of 5 s.
void MinuteOfRequests(benchmark::State& state) {
  Measure(state, [&] {
    std::array<int, 2> sockets;
    bench::Expect(state, socketpair(AF_UNIX, SOCK_STREAM, 0, sockets.data()) == 0, "no sockets");
    const auto [client, server] = sockets;
    const std::int64_t requests = 60 * state.range(0);
    std::int64_t answered = 0;
    std::int64_t late = 0;
    {
      LoopBubble bubble;
      LOOP_CLASS loop;
      loop.OnReadable(server, [&, server = server] {
        char byte;
        if (read(server, &byte, 1) != 1) return;
        loop.Cancel();
        loop.After(5s, [&] { ++late; });
        afterleak::loops::Must(write(server, &byte, 1) == 1);
      });
      bubble.Go([&] { loop.Run(); }, [&] { loop.Stop(); });
      bubble.Go([&, client = client] {
        char byte = 'x';
        for (std::int64_t i = 0; i < requests; ++i) {
          if (write(client, &byte, 1) == 1) answered += read(client, &byte, 1);
          std::this_thread::sleep_for(std::chrono::nanoseconds(1s) / state.range(0));
        }
      });
      bubble.AdvanceTo(60s);
      bubble.Finish();
    }
    for (const int socket : sockets) close(socket);
    bench::Expect(state, answered == requests && late == 0, "a request has no answer in time");
  });
}

// A minute in which that many timers fire in a second, all in the loop: ten each millisecond, say.
void MinuteOfTicks(benchmark::State& state) {
  Measure(state, [&] {
    LoopBubble bubble;
    LOOP_CLASS loop;
    std::int64_t ticks = 0;
    for (std::int64_t i = 0; i < state.range(0) / 1000; ++i) loop.Every(1ms, [&] { ++ticks; });
    bubble.Go([&] { loop.Run(); }, [&] { loop.Stop(); });
    bubble.AdvanceTo(60s);
    bubble.Finish();
    bench::Expect(state, ticks >= 60 * state.range(0) * 9 / 10, "too few ticks");
  });
}

}  // namespace

int main(int argc, char** argv) {
  const auto add = [](const std::string& what, void (*run)(benchmark::State&)) {
    return benchmark::RegisterBenchmark((what + "_" LOOP_NAME).c_str(), run)->UseManualTime();
  };
  add("VirtualHour", &Hour);
  add("VirtualRequests", &MinuteOfRequests)->Arg(100);
  add("VirtualTicks", &MinuteOfTicks)->Arg(10'000);
  return bench::RunBenchmarks(argc, argv);
}
