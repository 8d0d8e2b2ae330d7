// A hundred requests where fifty signals may be pending, and what find_it.md says that shows then.
#include <sys/resource.h>

#include <cerrno>
#include <csignal>
#include <ctime>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

timer_t Ask();
void Answered(timer_t limit);

int main() {
  for (int i = 0; i < 100; ++i) Answered(Ask());
  std::ifstream timers("/proc/self/timers");
  std::cout << std::string(std::istreambuf_iterator<char>(timers), {});

  const rlimit no_more{50, 50};
  setrlimit(RLIMIT_SIGPENDING, &no_more);
  timer_t another;
  const int made = timer_create(CLOCK_MONOTONIC, nullptr, &another);
  std::cout << "timer_create: " << (made < 0 && errno == EAGAIN ? "EAGAIN" : "it is made") << '\n';
}
