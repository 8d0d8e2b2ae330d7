// What waits for descriptors, in virtual time.

#include <algorithm>
#include <cerrno>
#include <vector>

#include "afterleak/heap/heap.h"
#include "afterleak/loops/virtual_real.h"
#include "afterleak/loops/virtual_time.h"
#include "afterleak/loops/virtual_world.h"

namespace {

using namespace afterleak::loops::internal;
using afterleak::Duration;
using afterleak::Time;

constexpr Duration kNoEnd{-1};
constexpr timespec kNoTime{};

// Room for `count` descriptors and the kick.
pollfd* Descriptors(std::size_t count) {
  const afterleak::heap::Scope::Suspend suspend;
  auto& room = World::Self().descriptors;
  if (room.size() <= count) room.resize(count + 1);
  return room.data();
}

// `look` does what the program asked for, but without waiting.
template <typename Look>
int WaitFor(const char* call, pollfd* descriptors, std::size_t count, Duration timeout,
            const sigset_t* mask, Look look) {
  World& world = World::Get();
  const Time deadline =
      timeout < Duration::zero() ? Time::max() : SaturatingAdd(world.now(), timeout);
  for (;;) {
    const auto turns = world.turns();
    if (const int found = look(); found != 0) return found;
    if (timeout == Duration::zero()) {
      world.EmptyPoll();
      return 0;
    }
    Waiter waiter{.call = call, .deadline = deadline, .descriptors = descriptors, .count = count};
    const int ready = world.Wait(waiter, mask, turns);
    if (ready < 0) return ready;
    if (ready == 0) return look();
  }
}

Duration Milliseconds(int timeout) {
  return timeout < 0 ? kNoEnd : std::chrono::milliseconds(timeout);
}

Duration OfTimespec(const timespec* timeout) {
  return timeout == nullptr ? kNoEnd : ToDuration(*timeout);
}

int PollFor(const char* call, pollfd* polled, nfds_t count, Duration timeout,
            const sigset_t* mask) {
  pollfd* const descriptors = Descriptors(count);
  std::copy_n(polled, count, descriptors);
  return WaitFor(call, descriptors, count, timeout, mask,
                 [&] { return Real().ppoll(polled, count, &kNoTime, mask); });
}

int EpollFor(const char* call, int epoll, epoll_event* events, int most, Duration timeout,
             const sigset_t* mask) {
  pollfd descriptors[2] = {{.fd = epoll, .events = POLLIN, .revents = 0}, {}};
  return WaitFor(call, descriptors, 1, timeout, mask,
                 [&] { return Real().epoll_pwait(epoll, events, most, 0, mask); });
}

int SelectFor(const char* call, int count, fd_set* reads, fd_set* writes, fd_set* others,
              Duration timeout, const sigset_t* mask) {
  pollfd* const descriptors = Descriptors(static_cast<std::size_t>(count));
  std::size_t used = 0;
  for (int descriptor = 0; descriptor < count; ++descriptor) {
    short wanted = 0;
    if (reads != nullptr && FD_ISSET(descriptor, reads)) wanted |= POLLIN;
    if (writes != nullptr && FD_ISSET(descriptor, writes)) wanted |= POLLOUT;
    if (others != nullptr && FD_ISSET(descriptor, others)) wanted |= POLLPRI;
    if (wanted != 0) descriptors[used++] = {.fd = descriptor, .events = wanted, .revents = 0};
  }
  fd_set* const sets[] = {reads, writes, others};
  fd_set asked[3];
  for (int i = 0; i < 3; ++i) {
    if (sets[i] != nullptr) asked[i] = *sets[i];
  }
  return WaitFor(call, descriptors, used, timeout, mask, [&] {
    for (int i = 0; i < 3; ++i) {
      if (sets[i] != nullptr) *sets[i] = asked[i];
    }
    return Real().pselect(count, reads, writes, others, &kNoTime, mask);
  });
}

}  // namespace

extern "C" {

int poll(pollfd* polled, nfds_t count, int timeout) {
  if (!World::Here()) return Real().poll(polled, count, timeout);
  return PollFor("poll", polled, count, Milliseconds(timeout), nullptr);
}

int ppoll(pollfd* polled, nfds_t count, const timespec* timeout, const sigset_t* mask) {
  if (!World::Here()) return Real().ppoll(polled, count, timeout, mask);
  return PollFor("ppoll", polled, count, OfTimespec(timeout), mask);
}

// What poll and ppoll are to a program that is compiled with _FORTIFY_SOURCE.
int __poll_chk(pollfd* polled, nfds_t count, int timeout, std::size_t) {
  return poll(polled, count, timeout);
}

int __ppoll_chk(pollfd* polled, nfds_t count, const timespec* timeout, const sigset_t* mask,
                std::size_t) {
  return ppoll(polled, count, timeout, mask);
}

int epoll_wait(int epoll, epoll_event* events, int most, int timeout) {
  if (!World::Here()) return Real().epoll_wait(epoll, events, most, timeout);
  return EpollFor("epoll_wait", epoll, events, most, Milliseconds(timeout), nullptr);
}

int epoll_pwait(int epoll, epoll_event* events, int most, int timeout, const sigset_t* mask) {
  if (!World::Here()) return Real().epoll_pwait(epoll, events, most, timeout, mask);
  return EpollFor("epoll_pwait", epoll, events, most, Milliseconds(timeout), mask);
}

int epoll_pwait2(int epoll, epoll_event* events, int most, const timespec* timeout,
                 const sigset_t* mask) {
  if (!World::Here()) return Real().epoll_pwait2(epoll, events, most, timeout, mask);
  return EpollFor("epoll_pwait2", epoll, events, most, OfTimespec(timeout), mask);
}

int select(int count, fd_set* reads, fd_set* writes, fd_set* others, timeval* timeout) {
  if (!World::Here()) return Real().select(count, reads, writes, others, timeout);
  Duration span = kNoEnd;
  if (timeout != nullptr)
    span = ToDuration({.tv_sec = timeout->tv_sec, .tv_nsec = timeout->tv_usec * 1000});
  const Time deadline = SaturatingAdd(World::Get().now(), span);
  const int found = SelectFor("select", count, reads, writes, others, span, nullptr);
  if (timeout != nullptr) {
    const timespec left = ToTimespec(std::max(Duration::zero(), deadline - World::Get().now()));
    *timeout = {.tv_sec = left.tv_sec, .tv_usec = left.tv_nsec / 1000};
  }
  return found;
}

int pselect(int count, fd_set* reads, fd_set* writes, fd_set* others, const timespec* timeout,
            const sigset_t* mask) {
  if (!World::Here()) return Real().pselect(count, reads, writes, others, timeout, mask);
  return SelectFor("pselect", count, reads, writes, others, OfTimespec(timeout), mask);
}

}  // extern "C"
