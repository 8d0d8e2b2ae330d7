// The watched program as a child process: found, started as it would be without us, and ended.
#pragma once

#include <sys/types.h>

#include <csignal>
#include <functional>
#include <string>
#include <vector>

namespace afterleak::watch {

// The file that a command names, as execvp(3) finds it. Throws std::invalid_argument with one line
// that says what is wrong with it.
std::string FindProgram(const std::string& name);

// One at a time. Not thread-safe.
class Child {
 public:
  // Starts it. `environment` is asked for what its environment has besides ours, once its process
  // id is known. `prepare` runs in it before exec and must do nothing but system calls: what the
  // parent has changed for itself is put back there. Throws std::invalid_argument if it cannot be
  // executed, and std::runtime_error if there is no process.
  Child(const std::string& file, const std::vector<std::string>& command,
        const std::function<std::vector<std::string>(pid_t)>& environment,
        const std::function<void()>& prepare);
  ~Child();  // does not end it
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  pid_t pid() const { return pid_; }
  int descriptor() const { return descriptor_; }  // readable once it has ended (pidfd_open(2))

  void Send(int signal) const;

  // Once it has ended. Returns what waitpid(2) says.
  int Collect() const;

 private:
  pid_t pid_ = -1;
  int descriptor_ = -1;
};

// "ended with 3", "killed by SIGKILL".
std::string HowItEnded(int status);

// Ends this process as the child ended: with its code, or by its signal, without a core file.
// Returns the exit code for main if the signal does not end us.
int EndLike(int status);

}  // namespace afterleak::watch
