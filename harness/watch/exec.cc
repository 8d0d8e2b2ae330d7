#include "watch/exec.h"

#include <alloca.h>
#include <spawn.h>
#include <unistd.h>

#include <cstdarg>
#include <cstring>
#include <string_view>

#include "afterleak/census/keeper.h"
#include "afterleak/loops/interpose.h"
#include "watch/preload_record.h"

namespace afterleak::watch {
namespace {

using loops::internal::LibcFunction;

using Words = char* const[];

constinit LibcFunction<int(const char*, Words, Words)> exec("execve");
constinit LibcFunction<int(const char*, Words, Words)> exec_in_path("execvpe");
constinit LibcFunction<int(int, Words, Words)> exec_descriptor("fexecve");
constinit LibcFunction<int(int, const char*, Words, Words, int)> exec_at("execveat");

using Spawn = int(pid_t*, const char*, const posix_spawn_file_actions_t*, const posix_spawnattr_t*,
                  Words, Words);
constinit LibcFunction<Spawn> spawn("posix_spawn");
constinit LibcFunction<Spawn> spawn_in_path("posix_spawnp");

constexpr char kPreload[] = "LD_PRELOAD=";

const char* our_path = nullptr;

const char* Keep(const char* text) {
  const std::size_t size = std::strlen(text) + 1;
  void* const pages = internal::kOwnPages.take(size);
  return pages == nullptr ? nullptr : static_cast<const char*>(std::memcpy(pages, text, size));
}

std::size_t CountOf(Words words) {
  std::size_t count = 0;
  while (words != nullptr && words[count] != nullptr) ++count;
  return count;
}

// The environment with ours in it. No malloc: this may be in a signal handler.
class Environment {
 public:
  static std::size_t PointersFor(Words users) { return CountOf(users) + 4; }
  static std::size_t TextFor(Words users) {
    std::size_t size = std::strlen(our_path) + kSpecSize + 64;
    for (std::size_t i = 0; i < CountOf(users); ++i) {
      if (IsPreload(users[i])) size += 2 * std::strlen(users[i]) + 64;
    }
    return size;
  }

  // Into memory for that many pointers, and that much text.
  static void Fill(Words users, const char* spec, char** pointers, char* text) {
    const char* preload = nullptr;
    for (std::size_t i = 0; i < CountOf(users); ++i) {
      if (IsPreload(users[i]))
        preload = users[i];
      else
        *pointers++ = users[i];
    }
    *pointers++ = text;
    text = stpcpy(stpcpy(stpcpy(text, kRecordVariable), "="), spec) + 1;
    *pointers++ = text;
    text = stpcpy(stpcpy(text, kPreload), our_path);
    if (preload != nullptr) {
      text = stpcpy(stpcpy(text, ":"), preload + sizeof(kPreload) - 1) + 1;
      *pointers++ = text;
      stpcpy(stpcpy(stpcpy(text, kUsersPreloadVariable), "="), preload);
    }
    *pointers = nullptr;
  }

 private:
  static bool IsPreload(const char* entry) {
    return std::strncmp(entry, kPreload, sizeof(kPreload) - 1) == 0;
  }
};

// Calls `next` with the environment that the next program is to have.
int With(Words users, auto&& next, const char* (*spec_for)(char (&)[kSpecSize]) = &SpecForExec) {
  char buffer[kSpecSize];
  const char* const spec = our_path == nullptr ? nullptr : spec_for(buffer);
  if (spec == nullptr) return next(users);
  auto** const pointers =
      static_cast<char**>(alloca(Environment::PointersFor(users) * sizeof(char*)));
  auto* const text = static_cast<char*>(alloca(Environment::TextFor(users)));
  Environment::Fill(users, spec, pointers, text);
  return next(pointers);
}

extern "C" {

int afterleak_execve(const char* path, Words arguments, Words environment) {
  return With(environment, [&](Words ours) { return exec.LookUp()(path, arguments, ours); });
}

int afterleak_execv(const char* path, Words arguments) {
  return afterleak_execve(path, arguments, environ);
}

int afterleak_execvpe(const char* file, Words arguments, Words environment) {
  return With(environment,
              [&](Words ours) { return exec_in_path.LookUp()(file, arguments, ours); });
}

int afterleak_execvp(const char* file, Words arguments) {
  return afterleak_execvpe(file, arguments, environ);
}

int afterleak_fexecve(int descriptor, Words arguments, Words environment) {
  return With(environment,
              [&](Words ours) { return exec_descriptor.LookUp()(descriptor, arguments, ours); });
}

int afterleak_execveat(int folder, const char* path, Words arguments, Words environment,
                       int flags) {
  return With(environment,
              [&](Words ours) { return exec_at.LookUp()(folder, path, arguments, ours, flags); });
}

int afterleak_posix_spawn(pid_t* pid, const char* path, const posix_spawn_file_actions_t* actions,
                          const posix_spawnattr_t* attributes, Words arguments, Words environment) {
  return With(
      environment,
      [&](Words ours) { return spawn.LookUp()(pid, path, actions, attributes, arguments, ours); },
      &SpecForSpawn);
}

int afterleak_posix_spawnp(pid_t* pid, const char* file, const posix_spawn_file_actions_t* actions,
                           const posix_spawnattr_t* attributes, Words arguments,
                           Words environment) {
  return With(
      environment,
      [&](Words ours) {
        return spawn_in_path.LookUp()(pid, file, actions, attributes, arguments, ours);
      },
      &SpecForSpawn);
}

}  // extern "C"

// The arguments of execl and its like, and where a list has it, what stands behind their end.
#define AFTERLEAK_EXEC_LIST(first, behind_end, call)                                 \
  va_list list;                                                                      \
  va_start(list, first);                                                             \
  std::size_t count = 1;                                                             \
  while (va_arg(list, char*) != nullptr) ++count;                                    \
  va_end(list);                                                                      \
  auto** const arguments = static_cast<char**>(alloca((count + 1) * sizeof(char*))); \
  arguments[0] = const_cast<char*>(first);                                           \
  va_start(list, first);                                                             \
  for (std::size_t i = 1; i <= count; ++i) arguments[i] = va_arg(list, char*);       \
  char** const environment = behind_end;                                             \
  va_end(list);                                                                      \
  return call

extern "C" {

int afterleak_execl(const char* path, const char* first, ...) {
  AFTERLEAK_EXEC_LIST(first, environ, afterleak_execve(path, arguments, environment));
}

int afterleak_execlp(const char* file, const char* first, ...) {
  AFTERLEAK_EXEC_LIST(first, environ, afterleak_execvpe(file, arguments, environment));
}

int afterleak_execle(const char* path, const char* first, ...) {
  AFTERLEAK_EXEC_LIST(first, va_arg(list, char**), afterleak_execve(path, arguments, environment));
}

}  // extern "C"

AFTERLEAK_IN_FRONT(int, execve, afterleak_execve, (const char*, Words, Words)) noexcept;
AFTERLEAK_IN_FRONT(int, execv, afterleak_execv, (const char*, Words)) noexcept;
AFTERLEAK_IN_FRONT(int, execvp, afterleak_execvp, (const char*, Words)) noexcept;
AFTERLEAK_IN_FRONT(int, execvpe, afterleak_execvpe, (const char*, Words, Words)) noexcept;
AFTERLEAK_IN_FRONT(int, fexecve, afterleak_fexecve, (int, Words, Words)) noexcept;
AFTERLEAK_IN_FRONT(int, execveat, afterleak_execveat,
                   (int, const char*, Words, Words, int)) noexcept;
AFTERLEAK_IN_FRONT(int, posix_spawn, afterleak_posix_spawn,
                   (pid_t*, const char*, const posix_spawn_file_actions_t*,
                    const posix_spawnattr_t*, Words, Words)) noexcept;
AFTERLEAK_IN_FRONT(int, posix_spawnp, afterleak_posix_spawnp,
                   (pid_t*, const char*, const posix_spawn_file_actions_t*,
                    const posix_spawnattr_t*, Words, Words)) noexcept;
AFTERLEAK_IN_FRONT(int, execl, afterleak_execl, (const char*, const char*, ...)) noexcept;
AFTERLEAK_IN_FRONT(int, execlp, afterleak_execlp, (const char*, const char*, ...)) noexcept;
AFTERLEAK_IN_FRONT(int, execle, afterleak_execle, (const char*, const char*, ...)) noexcept;

}  // namespace

void KeepForExec(const char* preloaded) {
  exec.LookUp();
  exec_in_path.LookUp();
  exec_descriptor.LookUp();
  exec_at.LookUp();
  spawn.LookUp();
  spawn_in_path.LookUp();
  our_path = Keep(preloaded);
}

}  // namespace afterleak::watch
