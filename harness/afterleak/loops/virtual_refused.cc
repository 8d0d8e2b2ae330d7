// What cannot work in virtual time, and says so: calls that would end when real time has passed, or
// by a deadline that is another year's.
#include <mqueue.h>
#include <semaphore.h>
#include <sys/socket.h>

#include <cerrno>

#include "afterleak/loops/interpose.h"
#include "afterleak/loops/virtual_behind.h"
#include "afterleak/loops/virtual_real.h"
#include "afterleak/loops/virtual_time.h"
#include "afterleak/loops/virtual_world.h"

namespace {

using namespace afterleak::loops::internal;

constexpr char kUseCondition[] = "wait for a condition variable with a deadline instead";
constexpr char kUseTimerfd[] = "use the loop's timers, or timerfd";
constexpr char kUsePoll[] = "wait with poll first";

// What a call with a deadline returns if it would have to wait.
int WouldWait(const char* call) {
  World::Get().Refuse(call, kUseCondition);
  return ETIMEDOUT;
}

int Failed(int error) {
  errno = error;
  return -1;
}

int NotSupported(const char* call, const char* cure) {
  World::Get().Refuse(call, cure);
  return Failed(ENOTSUP);
}

}  // namespace

#define AFTERLEAK_NEXT(name) \
  static const auto next = reinterpret_cast<decltype(&::name)>(FindNext(#name, nullptr))

extern "C" {

int sem_timedwait(sem_t* semaphore, const timespec* until) {
  AFTERLEAK_NEXT(sem_timedwait);
  if (!World::Here()) return next(semaphore, until);
  return sem_trywait(semaphore) == 0 ? 0 : Failed(WouldWait("sem_timedwait"));
}

int sem_clockwait(sem_t* semaphore, clockid_t clock, const timespec* until) {
  AFTERLEAK_NEXT(sem_clockwait);
  if (!World::Here()) return next(semaphore, clock, until);
  return sem_trywait(semaphore) == 0 ? 0 : Failed(WouldWait("sem_clockwait"));
}

int pthread_mutex_timedlock(pthread_mutex_t* mutex, const timespec* until) noexcept {
  AFTERLEAK_NEXT(pthread_mutex_timedlock);
  if (!World::Here()) return next(mutex, until);
  const int error = pthread_mutex_trylock(mutex);
  return error == EBUSY ? WouldWait("pthread_mutex_timedlock") : error;
}

int pthread_mutex_clocklock(pthread_mutex_t* mutex, clockid_t clock,
                            const timespec* until) noexcept {
  AFTERLEAK_NEXT(pthread_mutex_clocklock);
  if (!World::Here()) return next(mutex, clock, until);
  const int error = pthread_mutex_trylock(mutex);
  return error == EBUSY ? WouldWait("pthread_mutex_clocklock") : error;
}

int pthread_rwlock_timedrdlock(pthread_rwlock_t* lock, const timespec* until) noexcept {
  AFTERLEAK_NEXT(pthread_rwlock_timedrdlock);
  if (!World::Here()) return next(lock, until);
  const int error = pthread_rwlock_tryrdlock(lock);
  return error == EBUSY ? WouldWait("pthread_rwlock_timedrdlock") : error;
}

int pthread_rwlock_clockrdlock(pthread_rwlock_t* lock, clockid_t clock,
                               const timespec* until) noexcept {
  AFTERLEAK_NEXT(pthread_rwlock_clockrdlock);
  if (!World::Here()) return next(lock, clock, until);
  const int error = pthread_rwlock_tryrdlock(lock);
  return error == EBUSY ? WouldWait("pthread_rwlock_clockrdlock") : error;
}

int pthread_rwlock_timedwrlock(pthread_rwlock_t* lock, const timespec* until) noexcept {
  AFTERLEAK_NEXT(pthread_rwlock_timedwrlock);
  if (!World::Here()) return next(lock, until);
  const int error = pthread_rwlock_trywrlock(lock);
  return error == EBUSY ? WouldWait("pthread_rwlock_timedwrlock") : error;
}

int pthread_rwlock_clockwrlock(pthread_rwlock_t* lock, clockid_t clock,
                               const timespec* until) noexcept {
  AFTERLEAK_NEXT(pthread_rwlock_clockwrlock);
  if (!World::Here()) return next(lock, clock, until);
  const int error = pthread_rwlock_trywrlock(lock);
  return error == EBUSY ? WouldWait("pthread_rwlock_clockwrlock") : error;
}

int pthread_timedjoin_np(pthread_t thread, void** result, const timespec* until) {
  AFTERLEAK_NEXT(pthread_timedjoin_np);
  if (!World::Here()) return next(thread, result, until);
  const int error = pthread_tryjoin_np(thread, result);
  return error == EBUSY ? WouldWait("pthread_timedjoin_np") : error;
}

int pthread_clockjoin_np(pthread_t thread, void** result, clockid_t clock, const timespec* until) {
  AFTERLEAK_NEXT(pthread_clockjoin_np);
  if (!World::Here()) return next(thread, result, clock, until);
  const int error = pthread_tryjoin_np(thread, result);
  return error == EBUSY ? WouldWait("pthread_clockjoin_np") : error;
}

int mq_timedsend(mqd_t queue, const char* message, std::size_t size, unsigned priority,
                 const timespec* until) {
  AFTERLEAK_NEXT(mq_timedsend);
  if (!World::Here()) return next(queue, message, size, priority, until);
  return NotSupported("mq_timedsend", kUsePoll);
}

ssize_t mq_timedreceive(mqd_t queue, char* __restrict message, std::size_t size,
                        unsigned* __restrict priority, const timespec* __restrict until) {
  AFTERLEAK_NEXT(mq_timedreceive);
  if (!World::Here()) return next(queue, message, size, priority, until);
  return NotSupported("mq_timedreceive", kUsePoll);
}

int sigtimedwait(const sigset_t* set, siginfo_t* info, const timespec* timeout) {
  AFTERLEAK_NEXT(sigtimedwait);
  if (!World::Here() || timeout == nullptr) return next(set, info, timeout);
  return NotSupported("sigtimedwait", "wait with signalfd and poll");
}

int setitimer(__itimer_which_t which, const itimerval* value, itimerval* old) noexcept {
  AFTERLEAK_NEXT(setitimer);
  const bool arms =
      value != nullptr && (value->it_value.tv_sec != 0 || value->it_value.tv_usec != 0);
  if (which != ITIMER_REAL || !arms || !World::Here()) return next(which, value, old);
  return NotSupported("setitimer", kUseTimerfd);
}

unsigned alarm(unsigned seconds) noexcept {
  AFTERLEAK_NEXT(alarm);
  if (seconds == 0 || !World::Here()) return next(seconds);
  NotSupported("alarm", kUseTimerfd);
  return 0;
}

int setsockopt(int socket, int level, int option, const void* value, socklen_t size) noexcept {
  AFTERLEAK_NEXT(setsockopt);
  const bool is_timeout = level == SOL_SOCKET && (option == SO_RCVTIMEO || option == SO_SNDTIMEO) &&
                          size >= sizeof(timeval);
  if (!is_timeout || !World::Here()) return next(socket, level, option, value, size);
  const auto& span = *static_cast<const timeval*>(value);
  if (span.tv_sec == 0 && span.tv_usec == 0) return next(socket, level, option, value, size);
  return NotSupported(option == SO_RCVTIMEO ? "SO_RCVTIMEO" : "SO_SNDTIMEO", kUsePoll);
}

int afterleak_virtual_timer_settime(timer_t timer, int flags, const itimerspec* value,
                                    itimerspec* old) {
  AFTERLEAK_NEXT(timer_settime);
  const bool arms =
      value != nullptr && (value->it_value.tv_sec != 0 || value->it_value.tv_nsec != 0);
  if (!arms || !World::Here()) return next(timer, flags, value, old);
  return NotSupported("timer_settime", kUseTimerfd);
}

}  // extern "C"
