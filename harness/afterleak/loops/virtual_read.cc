// What waits until somebody has sent something, in the thread that made the bubble: it waits in
// poll first, so that time moves. Other threads wait in the kernel, where they are seen.
//
// errno is that of a poll which a signal has ended, or the bubble because time cannot move.
#include <fcntl.h>
#include <sys/syscall.h>

#include "afterleak/loops/virtual_real.h"
#include "afterleak/loops/virtual_time.h"
#include "afterleak/loops/virtual_world.h"

namespace {

using namespace afterleak::loops::internal;

// False if there will be nothing to read.
bool Await(int descriptor, int flags = 0) {
  if (!World::IsOwners() || (flags & MSG_DONTWAIT) != 0) return true;
  const int status = fcntl(descriptor, F_GETFL);
  if (status < 0 || (status & O_NONBLOCK) != 0) return true;
  pollfd polled = {.fd = descriptor, .events = POLLIN, .revents = 0};
  // What is there is read at once: a heap profiler reads files while it holds its own lock.
  if (Real().poll(&polled, 1, 0) != 0) return true;
  return poll(&polled, 1, -1) >= 0;
}

}  // namespace

void afterleak::loops::internal::BringReads() {}

extern "C" {

ssize_t read(int descriptor, void* to, std::size_t size) {
  return Await(descriptor) ? Real().read(descriptor, to, size) : -1;
}

ssize_t readv(int descriptor, const iovec* to, int count) {
  return Await(descriptor) ? Real().readv(descriptor, to, count) : -1;
}

ssize_t recv(int socket, void* to, std::size_t size, int flags) {
  return Await(socket, flags) ? Real().recv(socket, to, size, flags) : -1;
}

ssize_t recvfrom(int socket, void* __restrict to, std::size_t size, int flags,
                 sockaddr* __restrict from, socklen_t* __restrict from_size) {
  return Await(socket, flags) ? Real().recvfrom(socket, to, size, flags, from, from_size) : -1;
}

ssize_t recvmsg(int socket, msghdr* message, int flags) {
  return Await(socket, flags) ? Real().recvmsg(socket, message, flags) : -1;
}

int accept(int socket, sockaddr* __restrict peer, socklen_t* __restrict size) {
  return Await(socket) ? Real().accept(socket, peer, size) : -1;
}

int accept4(int socket, sockaddr* __restrict peer, socklen_t* __restrict size, int flags) {
  return Await(socket) ? Real().accept4(socket, peer, size, flags) : -1;
}

// What three of them are to a program that is compiled with _FORTIFY_SOURCE.
ssize_t __read_chk(int descriptor, void* to, std::size_t size, std::size_t) {
  return read(descriptor, to, size);
}

ssize_t __recv_chk(int socket, void* to, std::size_t size, std::size_t, int flags) {
  return recv(socket, to, size, flags);
}

ssize_t __recvfrom_chk(int socket, void* __restrict to, std::size_t size, std::size_t, int flags,
                       sockaddr* __restrict from, socklen_t* __restrict from_size) {
  return recvfrom(socket, to, size, flags, from, from_size);
}

}  // extern "C"
