#include "watch/child.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace afterleak::watch {
namespace {

std::string Message(int error) { return std::generic_category().message(error); }

bool IsExecutable(const std::string& path) {
  struct stat about;
  return stat(path.c_str(), &about) == 0 && S_ISREG(about.st_mode) &&
         access(path.c_str(), X_OK) == 0;
}

[[noreturn]] void Refuse(const std::string& path, int error) {
  struct stat about;
  if (stat(path.c_str(), &about) == 0 && S_ISDIR(about.st_mode))
    throw std::invalid_argument(fmt::format("{} is a folder; name a program in it", path));
  std::string line = fmt::format("{} cannot be run: {}", path, Message(error));
  if (error == EACCES) line += "; chmod +x makes a program of it";
  if (error == ENOEXEC)
    line += "; if it is a script, name its interpreter first, or begin it with #!";
  throw std::invalid_argument(line);
}

// argv or envp for execve: what they point to must stay.
std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// Ours with these: each takes the place of the one that has its name, or stands at the end.
std::vector<std::string> With(std::vector<std::string> changed) {
  std::vector<std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view ours = *entry;
    const std::string_view name = ours.substr(0, ours.find('=') + 1);
    const auto other = std::ranges::find_if(
        changed, [&](const std::string& change) { return change.starts_with(name); });
    if (other == changed.end()) {
      all.emplace_back(ours);
    } else {
      all.push_back(std::move(*other));
      changed.erase(other);
    }
  }
  std::ranges::move(changed, std::back_inserter(all));
  return all;
}

}  // namespace

std::string FindProgram(const std::string& name) {
  if (name.empty()) throw std::invalid_argument("\"\" names no program");
  if (name.find('/') != std::string::npos) {
    if (!IsExecutable(name)) Refuse(name, access(name.c_str(), X_OK) == 0 ? EACCES : errno);
    return name;
  }
  const char* const path = std::getenv("PATH");
  std::istringstream folders(path != nullptr ? path : "/bin:/usr/bin");
  for (std::string folder; std::getline(folders, folder, ':');) {
    std::string file = (folder.empty() ? "." : folder) + "/" + name;
    if (IsExecutable(file)) return file;
  }
  throw std::invalid_argument(
      fmt::format("unknown program \"{}\": it is in no folder of PATH; ./{} would be the one here",
                  name, name));
}

Child::Child(const std::string& file, const std::vector<std::string>& command,
             const std::function<std::vector<std::string>(pid_t)>& environment,
             const std::function<void()>& prepare) {
  int report[2];  // the errno of a failed exec
  if (pipe2(report, O_CLOEXEC) != 0)
    throw std::runtime_error(fmt::format("no pipe: {}", Message(errno)));
  pid_ = fork();
  if (pid_ < 0) {
    const int error = errno;
    close(report[0]);
    close(report[1]);
    throw std::runtime_error(fmt::format("no process: {}", Message(error)));
  }
  if (pid_ == 0) {
    // We have no other thread, so the child may allocate.
    std::vector<std::string> arguments = command;
    std::vector<std::string> variables = With(environment(getpid()));
    prepare();
    execve(file.c_str(), Pointers(arguments).data(), Pointers(variables).data());
    const int error = errno;
    [[maybe_unused]] const ssize_t told = write(report[1], &error, sizeof(error));
    _exit(127);
  }
  close(report[1]);
  int error = 0;
  const bool failed = read(report[0], &error, sizeof(error)) == sizeof(error);
  close(report[0]);
  if (failed) {
    Collect();
    Refuse(file, error);
  }
  descriptor_ = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
  if (descriptor_ < 0) {
    const int refused = errno;
    kill(pid_, SIGKILL);
    Collect();
    throw std::runtime_error(fmt::format("pidfd_open: {}", Message(refused)));
  }
}

Child::~Child() {
  if (descriptor_ >= 0) close(descriptor_);
}

void Child::Send(int signal) const { kill(pid_, signal); }

int Child::Collect() const {
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) continue;
  return status;
}

std::string HowItEnded(int status) {
  if (!WIFSIGNALED(status)) return fmt::format("ended with {}", WEXITSTATUS(status));
  const char* const name = sigabbrev_np(WTERMSIG(status));
  return name != nullptr ? fmt::format("killed by SIG{}", name)
                         : fmt::format("killed by signal {}", WTERMSIG(status));
}

int EndLike(int status) {
  if (!WIFSIGNALED(status)) return WEXITSTATUS(status);
  const int number = WTERMSIG(status);
  const rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  std::signal(number, SIG_DFL);
  sigset_t only;
  sigemptyset(&only);
  sigaddset(&only, number);
  raise(number);
  sigprocmask(SIG_UNBLOCK, &only, nullptr);
  return 128 + number;
}

}  // namespace afterleak::watch
