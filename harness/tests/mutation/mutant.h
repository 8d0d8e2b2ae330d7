// Stands before every file of the rewritten library and its tests (sites.py), and chooses among the
// changes that are all in one build: AFTERLEAK_MUTANT=n in the environment makes the change n, and
// no number none. Where AFTERLEAK_REACHED names a file, its byte n becomes 1 when the place of the
// change n is reached, in whatever process, and 2 when that shows that it cannot be made.

#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <type_traits>

namespace mutant {

inline volatile char* MapReached() {
  const char* const path = std::getenv("AFTERLEAK_REACHED");
  const int file = path == nullptr ? -1 : open(path, O_RDWR | O_CLOEXEC);
  struct stat about;
  if (file == -1 || fstat(file, &about) != 0) return nullptr;
  // Not through mmap(), which one of the tests replaces.
  const long mapped =
      syscall(SYS_mmap, nullptr, about.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  return mapped == -1 ? nullptr : reinterpret_cast<char*>(mapped);
}

inline int Choose() {
  const char* const number = std::getenv("AFTERLEAK_MUTANT");
  return number == nullptr ? 0 : std::atoi(number);
}

// Zero until they are initialized: what runs before that runs unchanged.
inline const int chosen = Choose();
inline volatile char* const reached = MapReached();

// Whether the change n is made here.
constexpr bool On(int n) {
  if (std::is_constant_evaluated()) return false;
  if (reached != nullptr) reached[n] = 1;
  return n == chosen;
}

constexpr void Impossible(int n) {
  if (!std::is_constant_evaluated() && reached != nullptr) reached[n] = 2;
}

template <int n, typename T>
constexpr T Literal(T original, T changed) {
  return On(n) ? changed : original;
}

// Operators have the names that sites.py knows them by.
#define MUTANT_OPERATOR(name, op)                                                                 \
  struct name {                                                                                   \
    static constexpr auto Of(const auto& a, const auto& b) -> decltype(a op b) { return a op b; } \
  };
MUTANT_OPERATOR(Less, <)
MUTANT_OPERATOR(LessEqual, <=)
MUTANT_OPERATOR(Greater, >)
MUTANT_OPERATOR(GreaterEqual, >=)
MUTANT_OPERATOR(Equal, ==)
MUTANT_OPERATOR(NotEqual, !=)
MUTANT_OPERATOR(Plus, +)
MUTANT_OPERATOR(Minus, -)
MUTANT_OPERATOR(Times, *)
MUTANT_OPERATOR(Over, /)
MUTANT_OPERATOR(Modulo, %)
MUTANT_OPERATOR(And, &)
MUTANT_OPERATOR(Or, |)
MUTANT_OPERATOR(Left, <<)
MUTANT_OPERATOR(Right, >>)
#undef MUTANT_OPERATOR

// The change n is the first of Others, n + 1 the next. What the types cannot do, such as to add two
// pointers, is no change.
template <int n, typename Original, typename Other, typename... Others>
struct Operator {
  static constexpr auto Of(const auto& a, const auto& b) {
    using Result = decltype(Original::Of(a, b));
    if constexpr (requires { static_cast<Result>(Other::Of(a, b)); }) {
      if (On(n)) return static_cast<Result>(Other::Of(a, b));
    } else {
      Impossible(n);
    }
    if constexpr (sizeof...(Others) > 0) {
      return Operator<n + 1, Original, Others...>::Of(a, b);
    } else {
      return Original::Of(a, b);
    }
  }
};

template <int n, typename Original, typename Other>
struct Assignment {
  template <typename T>
  static constexpr T& Of(T& a, const auto& b) {
    a = static_cast<T>(Operator<n, Original, Other>::Of(a, b));
    return a;
  }
};

template <int n, bool up>
struct Step {
  static constexpr auto& First(auto& value) { return On(n) == up ? --value : ++value; }
  static constexpr auto Later(auto& value) { return On(n) == up ? value-- : value++; }
};

template <int n, bool min>
struct Extreme {
  template <typename T>
  static constexpr T Of(const T& a, const T& b) {
    return On(n) == min ? std::max(a, b) : std::min(a, b);
  }
};

}  // namespace mutant
