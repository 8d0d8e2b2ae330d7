// A hundred requests, and what find_it.md says that shows then.
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/timerfd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>

int Ask(int epoll);
void Answered(int epoll, int limit);

int main() {
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  for (int i = 0; i < 100; ++i) Answered(epoll, Ask(epoll));
  for (const auto& each : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;  // the folder's own
    const std::string to = std::filesystem::read_symlink(each.path(), gone);
    if (to.find("timerfd") == std::string::npos) continue;
    std::cout << each.path().filename().native() << " -> " << to << '\n'
              << std::ifstream("/proc/self/fdinfo" / each.path().filename()).rdbuf();
  }

  const rlimit no_more{50, 50};
  setrlimit(RLIMIT_NOFILE, &no_more);
  if (timerfd_create(CLOCK_MONOTONIC, 0) < 0) std::cout << std::strerror(errno) << '\n';
}
