#include <algorithm>

#include "workshop/check.h"
#include "workshop/exercises.h"

namespace workshop {
namespace {

// 5s quiet, 42s shift: neither is a multiple of the other, so the order of events is fixed.
constexpr Duration kQuiet = 5s;
constexpr Duration kShift = 42s;

struct Station {
  explicit Station(Duration shift = kShift, int room = 1000)
      : out(MakeChan<std::string>(room)), relay(Start([readings = readings, out = out, shift] {
          return Relay(readings, out, kQuiet, shift);
        })) {}

  int Quiets() const { return static_cast<int>(std::ranges::count(Drain(out), "quiet")); }

  Chan<std::string> readings = MakeChan<std::string>(300);
  Chan<std::string> out;
  std::shared_ptr<Call<int>> relay;
};

void SendsReadingsOnAtOnce() {
  const Station station;
  for (const char* reading : {"1", "2", "3"}) {
    station.readings.Send(reading);
    Wait();
    Require(Drain(station.out) == std::vector<std::string>{reading}, "relay.reading",
            "A reading is not sent on as it comes.");
  }
}

void SaysQuietInTime() {
  const Station station;
  time::Sleep(3s + kOffGrid);
  station.readings.Send("late");
  for (const Duration instant : {8s + kOffGrid, 13s + kOffGrid}) {
    time::Sleep(Time(instant) - time::Now() - 1ns);
    Wait();
    const auto early = Drain(station.out);
    time::Sleep(1ns);
    Wait();
    const auto due = Drain(station.out);
    Require(
        std::ranges::count(early, "quiet") == 0 && due == std::vector<std::string>{"quiet"},
        "relay.quiet",
        "The word \"quiet\" must come 5s after the last reading (at 3s and 7ns), and each 5s after "
        "that: at 8s and 7ns, at 13s and 7ns, and not sooner or later.");
  }
}

void EndsWithTheShift() {
  const Station silent;
  const Station busy;
  for (int i = 0; i < 30; ++i) {
    time::Sleep(1s);
    busy.readings.Send("reading");
  }
  time::Sleep(60s);
  Require(silent.relay->ReturnedAt(kShift) && busy.relay->ReturnedAt(kShift), "relay.shift",
          "The relay must return when its shift of 42s is over, to the instant, whatever comes.");
  Require(*silent.relay->result == 0 && *busy.relay->result == 30, "relay.count",
          "The relay must return how many readings it sent on.");
}

// The valley takes a reading each 7s, longer than the silence, while one comes each second.
void TheValleyIsSlow() {
  const Station station(400s, 0);
  Go([&station] {
    for (int i = 1; i <= 60; ++i) {
      time::Sleep(1s);
      station.readings.Send(std::to_string(i));
    }
  });
  std::vector<std::string> heard;
  while (time::Now() < Time(62s)) {
    time::Sleep(heard.size() < 8 ? 7s : 10ms);
    if (const auto word = station.out.TryRecv()) heard.push_back(*word);
  }
  Require(std::ranges::count(heard, "quiet") == 0, "relay.stale",
          "A reading comes each second, and the valley is slow to take them. The relay says that "
          "it is quiet: its timer has expired while it waited for the valley.");
  std::vector<std::string> expected;
  for (int i = 1; i <= 60; ++i) expected.push_back(std::to_string(i));
  Require(heard == expected, "relay.slow",
          "When the valley is slow to take them, each reading must still come, in order: the relay "
          "waits.");
  const auto next = station.out.Recv();
  Require(next == "quiet" && time::Now() >= Time(65s) && time::Now() < Time(66s), "relay.quiet",
          "The word \"quiet\" must come 5s after the last reading, also when the valley was slow.");
  Go([&station] {
    while (!station.relay->result) {
      station.out.TryRecv();
      time::Sleep(1s);
    }
  });
  time::Sleep(400s);
}

// It takes nothing until the shift is over.
void TheValleyListensTooLate() {
  const Station station(kShift, 0);
  for (int i = 0; i < 40; ++i) {
    station.readings.Send("reading");
    time::Sleep(1s);
  }
  time::Sleep(kShift);
  while (!station.relay->result) {
    station.out.TryRecv();
    time::Sleep(1s);
  }
  RequireNothingLeft("path.slow", "The relay has gone home, and a timer of its is still live.");
}

// One that goes home early, and one that goes on after the others.
void StationsDoNotDisturbEachOther() {
  const Station first;
  time::Sleep(1s);
  const Station last(98s);
  time::Sleep(2s);
  const Station brief(9s);
  time::Sleep(2min);
  Require(first.relay->ReturnedAt(kShift) && last.relay->ReturnedAt(99s) &&
              brief.relay->ReturnedAt(12s) && first.Quiets() == 8 && last.Quiets() == 19 &&
              brief.Quiets() == 1,
          "relay.together",
          "Three relays are at work at one time, and go home at 12s, 42s and 99s: one that ends "
          "must not disturb the others, which say that it is quiet each 5s, to the end.");
}

void WindyDay(Load& load) {
  const Station station;
  load.Look();
  for (int i = 0; i < Load::kTurns; ++i) {
    time::Sleep(100ms);
    station.readings.Send("reading");
    load.Turn();
    Drain(station.out);
  }
}

void NothingIsLeftAfterTheShift() {
  const Station station;
  time::Sleep(1s);
  station.readings.Send("reading");
  time::Sleep(kShift);
  RequireNothingLeft("path.shift", "The relay has gone home, and a timer of its is still live.");
}

// Whichever is seen first, after a reading it is not quiet.
void AReadingWhenSilenceIsDue() {
  const Station station;
  time::Sleep(kQuiet);
  station.readings.Send("reading");
  time::Sleep(4s);
  const auto heard = Drain(station.out);
  Require(heard == std::vector<std::string>{"reading"} ||
              heard == std::vector<std::string>{"quiet", "reading"},
          "relay.instant",
          "A reading comes at the very instant when the silence is over: it must be sent on, and "
          "no \"quiet\" may come after it before another 5s.");
}

void AReadingWhenTheShiftIsOver() {
  const Station station;
  time::Sleep(kShift);
  station.readings.Send("reading");
  time::Sleep(1s);
  Require(station.relay->ReturnedAt(kShift), "relay.shift",
          "The relay must return when its shift is over, to the instant, whatever comes then.");
}

}  // namespace

const Exercise kExercise = {
    .behaviour = {SendsReadingsOnAtOnce, SaysQuietInTime, EndsWithTheShift, TheValleyIsSlow,
                  StationsDoNotDisturbEachOther},
    .load = WindyDay,
    .paths = {NothingIsLeftAfterTheShift, TheValleyListensTooLate},
    .instants = {AReadingWhenSilenceIsDue, AReadingWhenTheShiftIsOver},
};

}  // namespace workshop
