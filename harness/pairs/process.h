// For tests: a child process to talk to, line by line.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

extern char** environ;

namespace pairs {

// Killed and reaped at the end of its scope if it is still running.
class Process {
 public:
  explicit Process(std::vector<std::string> arguments) {
    int from[2];
    int to[2];
    if (pipe2(from, O_CLOEXEC) != 0 || pipe2(to, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, to[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, from[1], STDOUT_FILENO);
    // The tests may have been started with these ignored, which a child inherits.
    posix_spawnattr_t attributes;
    sigset_t defaults;
    sigemptyset(&defaults);
    for (const int signal : {SIGINT, SIGTERM, SIGQUIT}) sigaddset(&defaults, signal);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    const int error = posix_spawn(&pid_, argv[0], &actions, &attributes, argv.data(), environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    close(to[0]);
    close(from[1]);
    input_ = to[1];
    output_ = fdopen(from[0], "r");
    if (error != 0) throw std::runtime_error("cannot start " + arguments[0]);
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process() {
    if (pid_ != 0) {
      kill(pid_, SIGKILL);
      Wait();
    }
    close(input_);
    std::fclose(output_);
  }

  // Returns a line without its newline; empty at the end of the output. Blocks.
  std::string Line() {
    char line[256];
    if (std::fgets(line, sizeof line, output_) == nullptr) return "";
    std::string text(line);
    if (text.ends_with('\n')) text.pop_back();
    return text;
  }

  // Writes a newline to the child's standard input.
  void Nudge() const {
    if (write(input_, "\n", 1) != 1) throw std::runtime_error("the process does not listen");
  }

  void Send(int signal) const { kill(pid_, signal); }

  // Returns what waitpid says. Blocks until the child has ended.
  int Wait() {
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = 0;
    return status;
  }

 private:
  pid_t pid_ = 0;
  int input_ = -1;
  FILE* output_ = nullptr;
};

}  // namespace pairs
