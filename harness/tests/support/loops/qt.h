// See loop_under_test.h.
#pragma once

#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <QCoreApplication>
#include <QEventLoop>
#include <QSocketNotifier>
#include <QTimer>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "tests/support/loops/loop_under_test.h"

namespace afterleak::loops {

// Timers belong to the thread that starts them, so what is asked for before Run is done in there.
template <bool kOnGlib>
class QtLoop : public LoopUnderTest {
 public:
  QtLoop() : stop_(eventfd(0, EFD_CLOEXEC)) {
    if (kOnGlib)
      qunsetenv("QT_NO_GLIB");
    else
      qputenv("QT_NO_GLIB", "1");
    application_ = shared_.lock();
    if (application_ == nullptr) shared_ = application_ = std::make_shared<Application>();
    OnReadable(stop_, [this] {
      Drain(stop_);
      running_->quit();
    });
  }
  ~QtLoop() override {
    close(stop_);
    if (caught_ < 0) return;
    signal(signal_, SIG_DFL);
    close(std::exchange(caught_, -1));
  }

  void Run() override {
    QEventLoop loop;
    running_ = &loop;
    for (const auto& begin : std::exchange(at_begin_, {})) begin();
    loop.exec();
    objects_.clear();
    running_ = nullptr;
  }
  void Stop() override { Ring(stop_); }
  void Every(Duration period, std::function<void()> tick) override {
    InLoop([this, period, tick] { Start(period, false, tick); });
  }
  void After(Duration delay, std::function<void()> then) override {
    InLoop([this, delay, then] { last_ = Start(delay, true, then); });
  }
  void Cancel() override {
    if (last_ != nullptr) last_->stop();
  }
  void OnReadable(int descriptor, std::function<void()> ready) override {
    InLoop([this, descriptor, ready] {
      auto& notifier = Keep(new QSocketNotifier(descriptor, QSocketNotifier::Read));
      QObject::connect(&notifier, &QSocketNotifier::activated, ready);
    });
  }
  // As Qt's documentation does it: the handler writes to a descriptor that the loop reads.
  void OnSignal(int number, std::function<void()> caught) override {
    signal_ = number;
    caught_ = eventfd(0, EFD_CLOEXEC);
    OnReadable(caught_, [caught] {
      Drain(caught_);
      caught();
    });
    signal(number, [](int) { Ring(caught_); });
  }
  Duration slack() const override { return std::chrono::milliseconds(1); }

 private:
  struct Application {
    int argc = 1;
    char name[5] = "test";
    char* argv[2] = {name, nullptr};
    QCoreApplication application{argc, argv};
  };

  static void Ring(int descriptor) {
    const std::uint64_t one = 1;
    if (write(descriptor, &one, sizeof one) != static_cast<ssize_t>(sizeof one)) _exit(1);
  }
  static void Drain(int descriptor) {
    std::uint64_t count;
    Must(read(descriptor, &count, sizeof count) == static_cast<ssize_t>(sizeof count));
  }
  void InLoop(std::function<void()> begin) {
    if (running_ != nullptr)
      begin();
    else
      at_begin_.push_back(std::move(begin));
  }
  template <typename Object>
  Object& Keep(Object* object) {
    objects_.emplace_back(object);
    return *object;
  }
  QTimer* Start(Duration delay, bool once, const std::function<void()>& then) {
    QTimer& timer = Keep(new QTimer);
    timer.setTimerType(Qt::PreciseTimer);
    timer.setSingleShot(once);
    QObject::connect(&timer, &QTimer::timeout, then);
    timer.start(std::chrono::duration_cast<std::chrono::milliseconds>(delay));
    return &timer;
  }

  inline static std::weak_ptr<Application> shared_;
  inline static int caught_ = -1;
  int signal_ = 0;
  std::shared_ptr<Application> application_;
  const int stop_;
  QEventLoop* running_ = nullptr;  // used in its thread alone
  std::vector<std::function<void()>> at_begin_;
  std::vector<std::unique_ptr<QObject>> objects_;
  QTimer* last_ = nullptr;
};

}  // namespace afterleak::loops
