#include "workshop/check.h"
#include "workshop/exercises.h"

namespace workshop {
namespace {

struct Transfer {
  // `work` is how long a report takes.
  explicit Transfer(Duration period = 2s, Duration work = {})
      : call(Start([chunks = chunks, log = log, period, work] {
          const auto report = std::make_unique<std::function<void(int)>>([log, work](int bytes) {
            log->reports.emplace_back(time::Now(), bytes);
            log->late = log->late || log->returned;
            if (work > Duration()) time::Sleep(work);
          });
          const auto bytes = Download(chunks, period, *report);
          log->returned = true;
          return bytes;
        })) {}

  void Send(int bytes) const { chunks.Send({.bytes = bytes}); }
  bool Returned(Duration at, std::optional<int> bytes) const {
    return call->ReturnedAt(at) && *call->result == bytes;
  }

  using Reports = std::vector<std::pair<Time, int>>;
  struct Log {
    Reports reports;
    bool returned = false;
    bool late = false;  // a report came after the return
  };
  Chan<Chunk> chunks = MakeChan<Chunk>(20);
  std::shared_ptr<Log> log = std::make_shared<Log>();
  std::shared_ptr<Call<std::optional<int>>> call;
};

void AddsUpTheBytes() {
  const Transfer transfer;
  for (int i = 1; i <= 10; ++i) transfer.Send(i);
  transfer.chunks.Close();
  Wait();
  Require(transfer.call->ReturnedAt(0s) && transfer.call->result == std::optional(55),
          "download.bytes", "The bytes of all chunks must be returned when there are no more.");
}

void ABrokenChunkEndsIt() {
  const Transfer transfer;
  transfer.Send(1);
  transfer.chunks.Send({.bytes = 1, .broken = true});
  Wait();
  Require(transfer.call->ReturnedAt(0s) && *transfer.call->result == std::nullopt,
          "download.broken", "A broken chunk must end the download at once, with nothing.");
}

void ReportsInPhase() {
  constexpr Duration kPeriod = 2s + kOffGrid;
  const Transfer transfer(kPeriod);
  for (int i = 0; i < 3; ++i) {
    time::Sleep(1500ms);
    transfer.Send(10);
  }
  time::Sleep(2500ms);
  const Transfer::Reports expected = {
      {Time(kPeriod), 10}, {Time(2 * kPeriod), 20}, {Time(3 * kPeriod), 30}};
  Require(transfer.log->reports == expected, "download.reports",
          "Progress must be reported each period, here 2s and 7ns, counted from the call: 10 bytes "
          "after the first, 20 after the second and 30 after the third, whenever chunks come (here "
          "at 1.5s, 3s and 4.5s).");
  transfer.chunks.Close();
}

void ReportsNothingElse() {
  const Transfer brief;
  brief.Send(1);
  brief.chunks.Close();
  Wait();
  const Transfer complete;
  time::Sleep(3s);
  complete.Send(10);
  complete.chunks.Close();
  Wait();
  const Transfer broken;
  time::Sleep(3s);
  broken.chunks.Send({.broken = true});
  time::Sleep(10s);
  Require(brief.log->reports.empty() && complete.log->reports == Transfer::Reports{{Time(2s), 0}} &&
              broken.log->reports == Transfer::Reports{{Time(5s), 0}},
          "download.extra",
          "Progress is reported every 2s, and at no other time: not at the end of a download, and "
          "not after it.");
}

// Each report takes half a second.
void ReportsInPhaseThoughTheyTakeTime() {
  const Transfer transfer(2s, 500ms);
  time::Sleep(9s);
  transfer.chunks.Close();
  const Transfer::Reports expected = {{Time(2s), 0}, {Time(4s), 0}, {Time(6s), 0}, {Time(8s), 0}};
  Require(transfer.log->reports == expected, "download.drift",
          "Progress must be reported every 2s, counted from the call: at 2s, 4s, 6s and 8s. Here "
          "each report takes half a second, and the next ones come late.");
}

void DownloadsDoNotDisturbEachOther() {
  const Transfer whole;
  time::Sleep(1s);
  const Transfer complete(3s);
  const Transfer broken(3s);
  const Transfer last(4s);
  time::Sleep(4s);
  complete.chunks.Close();
  broken.chunks.Send({.broken = true});
  time::Sleep(2s);
  whole.Send(10);
  time::Sleep(4s);
  whole.chunks.Close();
  time::Sleep(3s);
  last.chunks.Close();
  Wait();
  const Transfer::Reports once = {{Time(4s), 0}};
  const Transfer::Reports all = {
      {Time(2s), 0}, {Time(4s), 0}, {Time(6s), 0}, {Time(8s), 10}, {Time(10s), 10}};
  const Transfer::Reports lasts = {{Time(5s), 0}, {Time(9s), 0}, {Time(13s), 0}};
  Require(complete.Returned(5s, 0) && broken.Returned(5s, std::nullopt) &&
              whole.Returned(11s, 10) && last.Returned(14s, 0) && complete.log->reports == once &&
              broken.log->reports == once && whole.log->reports == all &&
              last.log->reports == lasts,
          "download.together",
          "Four downloads run at one time, and two of them end early: that must not disturb the "
          "reports of the others.");
}

void ManyDownloads(Load& load) {
  load.Look();
  for (int i = 0; i < Load::kTurns; ++i) {
    const Transfer transfer;
    time::Sleep(100ms);
    transfer.Send(10);
    transfer.chunks.Close();
    load.Returned();
  }
}

void NothingIsLeftOfABrokenOne() {
  const Transfer transfer;
  transfer.chunks.Send({.broken = true});
  Wait();
  RequireNothingLeft("path.broken",
                     "When a chunk was broken, a ticker is still live after the return.");
}

void NothingIsReportedAfterTheReturn() {
  const Transfer complete;
  const Transfer broken;
  time::Sleep(2s);
  complete.chunks.Close();
  broken.chunks.Send({.broken = true});
  time::Sleep(10s);
  Require(complete.Returned(2s, 0) && broken.Returned(2s, std::nullopt), "download.instant",
          "The download ends at the very instant of a report: it must return then.");
  Require(!complete.log->late && !broken.log->late && complete.log->reports.size() <= 1,
          "download.after",
          "The download ends at the very instant of a report, which comes after the return: "
          "its caller may be gone by then.");
}

}  // namespace

const Exercise kExercise = {
    .behaviour = {AddsUpTheBytes, ABrokenChunkEndsIt, ReportsInPhase, ReportsNothingElse,
                  ReportsInPhaseThoughTheyTakeTime, DownloadsDoNotDisturbEachOther},
    .load = ManyDownloads,
    .paths = {NothingIsLeftOfABrokenOne},
    .instants = {NothingIsReportedAfterTheReturn},
};

}  // namespace workshop
