#include <algorithm>

#include "workshop/check.h"
#include "workshop/exercises.h"

namespace workshop {
namespace {

// 5s quiet, 42s shift: neither is a multiple of the other, so the order of events is fixed.
constexpr Duration kQuiet = 5s;
constexpr Duration kShift = 42s;

struct Station {
  Chan<std::string> readings = MakeChan<std::string>(300);
  Chan<std::string> out = MakeChan<std::string>(1000);
  std::shared_ptr<Call<int>> relay =
      Start([readings = readings, out = out] { return Relay(readings, out, kQuiet, kShift); });
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
  time::Sleep(3s);
  station.readings.Send("late");
  for (const Duration instant : {Duration(8s), Duration(13s)}) {
    time::Sleep(Time(instant) - time::Now() - 1ns);
    Wait();
    const auto early = Drain(station.out);
    time::Sleep(1ns);
    Wait();
    const auto due = Drain(station.out);
    Require(
        std::ranges::count(early, "quiet") == 0 && due == std::vector<std::string>{"quiet"},
        "relay.quiet",
        "The word \"quiet\" must come 5s after the last reading (at 3s), and each 5s after that: "
        "at 8s, at 13s, and not sooner or later.");
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

void WindyDay(Load& load) {
  const Station station;
  load.Look();
  for (int i = 0; i < Load::kTurns; ++i) {
    time::Sleep(100ms);
    station.readings.Send("reading");
    load.Turn();
  }
}

void NothingIsLeftAfterTheShift() {
  const Station station;
  time::Sleep(1s);
  station.readings.Send("reading");
  time::Sleep(kShift);
  RequireNothingLeft("path.shift", "The relay has gone home, and a timer of its is still live.");
}

}  // namespace

const Exercise kExercise = {
    .behaviour = {SendsReadingsOnAtOnce, SaysQuietInTime, EndsWithTheShift},
    .load = WindyDay,
    .paths = {NothingIsLeftAfterTheShift},
};

}  // namespace workshop
