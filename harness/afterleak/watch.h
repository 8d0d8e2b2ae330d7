// For a program that `afterleak watch` may run: it names its units of work, so that what one of
// them leaves behind is found, and its wrappers, so that their callers are named instead.
//
//   afterleak_work work = afterleak_work_begin();   // what this thread arms is of this work
//   Handle(request);
//   afterleak_work_end(work);                       // what is live now is left behind
//
//   afterleak_wrapper("Clock::After");              // once, at the start: a function, file or line
//
// Where work goes on in a callback of an event loop, or in another thread:
//
//   afterleak_work before = afterleak_work_switch(work);
//   ...
//   afterleak_work_switch(before);
//
// What is meant to outlive the work (a connection that is kept) is armed after a switch to 0, or
// allowed: afterleak watch --allow SITE.
//
// C and C++, GCC and Clang, ELF. It includes nothing and nothing is linked: the one symbol is weak,
// and null where nobody watches. Then each call is a test of it; watched it is a lock, some 40 ns.
// Thread-safe; not for signal handlers. Numbers that are not known do nothing.
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

// A unit of work: its number; 0 is none.
typedef unsigned long long afterleak_work;  // NOLINT(google-runtime-int): C without a header

// What `afterleak watch` puts into the program.
struct afterleak_watched_functions {
  afterleak_work (*begin)(void);
  afterleak_work (*switch_to)(afterleak_work work);
  void (*end)(afterleak_work work);
  void (*wrapper)(const char* site);
};
extern const struct afterleak_watched_functions afterleak_watched_program __attribute__((weak));

#ifndef __PIC__
// In such code the linker decides for good that a weak symbol is null. So it is looked up, once.
extern void* afterleak_dlsym(void* handle, const char* name) __asm__("dlsym") __attribute__((weak));
#endif

// Null if nobody watches.
static inline const struct afterleak_watched_functions* afterleak_watched(void) {
#ifdef __PIC__
  return &afterleak_watched_program;
#else
  static const struct afterleak_watched_functions* found;
  static char asked;
  if (!__atomic_load_n(&asked, __ATOMIC_ACQUIRE)) {
    const void* const symbol =
        afterleak_dlsym ? afterleak_dlsym(0, "afterleak_watched_program") : 0;
    __atomic_store_n(&found, (const struct afterleak_watched_functions*)symbol, __ATOMIC_RELAXED);
    __atomic_store_n(&asked, 1, __ATOMIC_RELEASE);
  }
  return __atomic_load_n(&found, __ATOMIC_RELAXED);
#endif
}

// Begins a unit of work, which is this thread's until it ends, or the thread switches to another.
// One within another is a unit, too. 0 if nobody watches.
static inline afterleak_work afterleak_work_begin(void) {
  const struct afterleak_watched_functions* const watched = afterleak_watched();
  return watched ? watched->begin() : 0;
}

// What this thread arms from here on is of that work; 0: of none. Returns what it was before.
static inline afterleak_work afterleak_work_switch(afterleak_work work) {
  const struct afterleak_watched_functions* const watched = afterleak_watched();
  return watched ? watched->switch_to(work) : 0;
}

// The work is over, in whatever thread. A tenth of a second later what it armed ought to be gone.
static inline void afterleak_work_end(afterleak_work work) {
  const struct afterleak_watched_functions* const watched = afterleak_watched();
  if (watched) watched->end(work);
}

// A function ("Clock::After", "Clock::"), file ("clock.c") or line ("clock.c:12") that is not to be
// named as the site: its caller is. Up to 32, of 127 characters.
static inline void afterleak_wrapper(const char* site) {
  const struct afterleak_watched_functions* const watched = afterleak_watched();
  if (watched) watched->wrapper(site);
}

#ifdef __cplusplus
}  // extern "C"

namespace afterleak::watch {

// A unit of work for the length of a scope.
class Work {
 public:
  Work() : work_(afterleak_work_begin()) {}
  ~Work() { afterleak_work_end(work_); }
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;

 private:
  const afterleak_work work_;
};

}  // namespace afterleak::watch
#endif
