// Part of every test program, so that tests do not depend on what started them. Under
// nohup, after `&` in a script and in some CI runners signals are ignored or blocked, and a
// process inherits that.
#include <gtest/gtest.h>

#include <csignal>

namespace {

// Before the first test, and in the child of a death test too, every signal gets its default action
// and none is blocked.
class DefaultSignals : public testing::Environment {
 public:
  void SetUp() override {
    for (int signal = 1; signal <= SIGRTMAX; ++signal) std::signal(signal, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, nullptr);
  }
};

testing::Environment* const default_signals = testing::AddGlobalTestEnvironment(new DefaultSignals);

}  // namespace
