// A bubble around a whole program: it has no test that lets time pass, so a thread of ours does, as
// far as somebody outside of the process wants.
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>

#include <csignal>

#include "afterleak/heap/heap.h"
#include "afterleak/loops/virtual_descriptors.h"
#include "afterleak/loops/virtual_real.h"
#include "afterleak/loops/virtual_world.h"

namespace afterleak::loops::internal {
namespace {

// As LoopBubble::Options has it.
constexpr Duration kStuckAfter = std::chrono::seconds(10);

}  // namespace

void World::Steer(const Steering& steering) {
  const heap::Scope::Suspend suspend;
  Begin(true, kStuckAfter);
  {
    const Lock lock = Locked();
    owner_ = nullptr;
    now_ = steering.now->load();
    steering_ = &steering;
    helper_.kick = KeepAsOurs(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  }
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);  // they are for the threads of the program
  const int error = Real().pthread_create(
      &helping_thread_, nullptr, [](void*) -> void* { World::Get().BeSteered(); }, nullptr);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (error != 0) steering.refused("there is no thread to let time pass");
  pthread_detach(helping_thread_);
}

void World::BeSteered() {
  self_ = &helper_;
  pollfd kick = {.fd = helper_.kick, .events = POLLIN, .revents = 0};
  for (;;) {
    const Steering::Stretch stretch = steering_->next();
    {
      Lock lock = Locked();
      look_ = true;  // a signal may have come
      when_idle_ = stretch.when_idle;
      Waiter waiter{.call = "Advance", .descriptors = &kick, .member = &helper_};
      Drive(waiter, stretch.until, nullptr, nullptr, true, lock);
    }
    steering_->passed();
  }
}

}  // namespace afterleak::loops::internal
