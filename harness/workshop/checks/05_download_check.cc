#include "workshop/check.h"
#include "workshop/exercises.h"

namespace workshop {
namespace {

struct Transfer {
  Chan<Chunk> chunks = MakeChan<Chunk>(20);
  std::shared_ptr<std::vector<std::pair<Time, int>>> reports =
      std::make_shared<std::vector<std::pair<Time, int>>>();
  std::shared_ptr<Call<std::optional<int>>> call = Start([chunks = chunks, reports = reports] {
    return Download(chunks, 2s,
                    [reports](int bytes) { reports->emplace_back(time::Now(), bytes); });
  });
};

void AddsUpTheBytes() {
  const Transfer transfer;
  for (int i = 1; i <= 10; ++i) transfer.chunks.Send({.bytes = i});
  transfer.chunks.Close();
  Wait();
  Require(transfer.call->ReturnedAt(0s) && transfer.call->result == std::optional(55),
          "download.bytes", "The bytes of all chunks must be returned when there are no more.");
}

void ABrokenChunkEndsIt() {
  const Transfer transfer;
  transfer.chunks.Send({.bytes = 1});
  transfer.chunks.Send({.bytes = 1, .broken = true});
  Wait();
  Require(transfer.call->ReturnedAt(0s) && *transfer.call->result == std::nullopt,
          "download.broken", "A broken chunk must end the download at once, with nothing.");
}

void ReportsInPhase() {
  const Transfer transfer;
  for (int i = 0; i < 3; ++i) {
    time::Sleep(1500ms);
    transfer.chunks.Send({.bytes = 10});
  }
  time::Sleep(2500ms);
  const std::vector<std::pair<Time, int>> expected = {
      {Time(2s), 10}, {Time(4s), 20}, {Time(6s), 30}};
  Require(
      *transfer.reports == expected, "download.reports",
      "Progress must be reported every 2s, counted from the call: 10 bytes at 2s, 20 at 4s and 30 "
      "at 6s, whenever chunks come (here at 1.5s, 3s and 4.5s).");
}

void ManyDownloads(Load& load) {
  load.Look();
  for (int i = 0; i < Load::kTurns; ++i) {
    const Transfer transfer;
    time::Sleep(100ms);
    transfer.chunks.Send({.bytes = 10});
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

}  // namespace

const Exercise kExercise = {
    .behaviour = {AddsUpTheBytes, ABrokenChunkEndsIt, ReportsInPhase},
    .load = ManyDownloads,
    .paths = {NothingIsLeftOfABrokenOne},
};

}  // namespace workshop
