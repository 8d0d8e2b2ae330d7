// What a library allocates and loses, by a mistake that a test makes on purpose.
#pragma once

extern "C" {
[[gnu::weak]] void __lsan_disable();
[[gnu::weak]] void __lsan_enable();
}

namespace afterleak::test {

// While it lives, what this thread allocates is no leak to LeakSanitizer, if that is here.
class Lost {
 public:
  Lost() {
    if (__lsan_disable != nullptr) __lsan_disable();
  }
  ~Lost() {
    if (__lsan_enable != nullptr) __lsan_enable();
  }
  Lost(const Lost&) = delete;
  Lost& operator=(const Lost&) = delete;
};

}  // namespace afterleak::test
