#include "evidence/go/conformance/rules.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <utility>

namespace afterleak::conformance {

Run run;

void Pass(double units) {
  time::Sleep(std::chrono::round<Duration>(units * std::chrono::duration<double>(kUnit)));
}

void Settle() { Pass(1); }

int Units(Duration span) {
  return static_cast<int>(
      std::lround(std::chrono::duration<double>(span) / std::chrono::duration<double>(kUnit)));
}

void Start(std::function<void()> body) {
  Go(std::move(body));
  Settle();
}

std::string Blocks(const std::function<void()>& body) {
  auto done = MakeChan<bool>(1);
  Start([=] {
    body();
    done.Send(true);
  });
  return Ready(done) ? "goes on" : "blocks";
}

std::string Panics(const std::function<void()>& body) {
  try {
    body();
  } catch (const Panic& panic) {
    return Say{"panic:", panic.what()};
  }
  return "no panic";
}

std::string PanicsWhenWoken(const std::function<void()>& body, const std::function<void()>& wake) {
  auto outcome = MakeChan<std::string>(1);
  Start([=] { outcome.Send(Panics(body)); });
  wake();
  return *outcome.Recv();
}

std::string Take(const Chan<int>& c) {
  const std::optional<int> value = c.Recv();
  return Say{value.value_or(0), value.has_value()};
}

int Fill(const Chan<int>& c, std::initializer_list<int> values) {
  int sent = 0;
  for (const int value : values) {
    if (Select({Send(c, value), Default()}) != 0) break;
    ++sent;
  }
  return sent;
}

std::string Fairness(const std::function<int()>& attempt) {
  int chosen[2] = {};
  for (int i = 0; i < 1000; ++i) ++chosen[attempt()];
  if (chosen[0] > 350 && chosen[1] > 350) return "both, evenly";
  return Say{chosen[0], "to", chosen[1]};
}

std::string Kept(const std::function<void()>& drop) {
  constexpr int kTimes = 500;
  const auto objects = [] {
    const Bubble& bubble = Bubble::Current();
    return bubble.Totals().live + bubble.Totals(Resource::kContext).live;
  };
  const auto before = objects();
  for (int i = 0; i < kTimes; ++i) drop();
  return objects() > before + kTimes / 2 ? "kept" : "released";
}

void Raise(os::Signal sig) {
  signal::Raise(sig);
  Settle();
}

namespace {

std::string ChildOf(const std::function<std::string()>& body, std::vector<std::string> command) {
  if (run.is_child) {
    fmt::print("{}", body());
    std::fflush(stdout);
    std::_Exit(0);
  }
  command.insert(command.end(),
                 {run.program, "--timers", std::string(ToString(run.timers)), "--child", run.rule});
  std::vector<char*> arguments;
  for (std::string& argument : command) arguments.push_back(argument.data());
  arguments.push_back(nullptr);
  int ends[2];
  if (::pipe(ends) != 0) return "no pipe";
  const pid_t process = ::fork();
  if (process == 0) {
    ::dup2(ends[1], STDOUT_FILENO);
    ::close(ends[0]);
    ::close(ends[1]);
    ::execvp(arguments[0], arguments.data());
    ::_exit(127);
  }
  ::close(ends[1]);
  std::string out;
  char bytes[256];
  for (ssize_t got; (got = ::read(ends[0], bytes, sizeof(bytes))) > 0;)
    out.append(bytes, static_cast<std::size_t>(got));
  ::close(ends[0]);
  int status = 0;
  ::waitpid(process, &status, 0);
  return WIFSIGNALED(status) ? fmt::format("{}killed by signal {}", out, WTERMSIG(status)) : out;
}

}  // namespace

std::string Child(const std::function<std::string()>& body) { return ChildOf(body, {}); }

std::string ChildUnderNohup(const std::function<std::string()>& body) {
  return ChildOf(body, {"sh", "-c", "trap '' HUP; exec \"$@\"", "sh"});
}

std::string Deadlocks(const std::function<void()>& body) {
  try {
    Bubble({.timers = run.timers}).Run(body);
  } catch (const Deadlock& deadlock) {
    const std::string said = deadlock.what();
    const std::size_t line = said.find('\n') + 1;
    return Say{said.substr(0, said.find(" (at")), said.substr(line, said.find(':', line) - line)};
  }
  return "ends";
}

std::string Fatal(const std::function<void()>& body) {
  try {
    body();
  } catch (const Panic& panic) {
    return panic.what();
  }
  return "ends";
}

}  // namespace afterleak::conformance
