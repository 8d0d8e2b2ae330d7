#include <gtest/gtest.h>
#include <sys/epoll.h>

int Ask(int epoll);
void Answered(int epoll, int limit);

TEST(Client, EndsWithItsAnswer) {
  static const int epoll = epoll_create1(EPOLL_CLOEXEC);
  Answered(epoll, Ask(epoll));
}
