#include <unistd.h>

#include <QAbstractEventDispatcher>
#include <QBasicTimer>
#include <QCoreApplication>
#include <QEventLoop>
#include <QObject>
#include <QThread>
#include <QTimer>
#include <QTimerEvent>
#include <array>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <new>
#include <thread>

#include "afterleak/loops/loops.h"
#include "tests/support/loop_census.h"
#include "tests/support/lost.h"

namespace {

namespace loops = afterleak::loops;
using afterleak::test::HasLiveAt;

// Qt is not built with ThreadSanitizer, and hands over by its own futexes.
#ifdef __SANITIZE_THREAD__
#define SKIP_WHERE_A_HANDOVER_IS_NOT_SEEN() \
  GTEST_SKIP() << "SKIPPED: ThreadSanitizer does not see how Qt hands over to a thread"
#else
#define SKIP_WHERE_A_HANDOVER_IS_NOT_SEEN()
#endif

// Until the thread, which gettid() names, is gone. QThread::wait returns while it frees what is
// its own, and LeakSanitizer's look at a process that ends crashes on a thread that is half gone.
void Join(QThread& thread, const pid_t& id) {
  thread.wait();
  while (tgkill(getpid(), id, 0) == 0) std::this_thread::yield();
}

// Counts the events of the timers that it has started.
class Object : public QObject {
 public:
  int events() const { return events_; }

 protected:
  void timerEvent(QTimerEvent*) override { ++events_; }

 private:
  int events_ = 0;
};

// On both of Qt's dispatchers: it takes the one on GLib unless it is told not to.
class OnQt : public afterleak::test::LoopCensus, public testing::WithParamInterface<const char*> {
 protected:
  OnQt() {
    if (GetParam() == std::string("UNIX"))
      qputenv("QT_NO_GLIB", "1");
    else
      qunsetenv("QT_NO_GLIB");
    application_ = std::make_unique<QCoreApplication>(arguments_, nullptr);
  }

  // Until that many milliseconds have passed. What is due before that has fired then, however busy
  // the machine is.
  void Run(int length) {
    QEventLoop loop;
    QTimer end;
    QObject::connect(&end, &QTimer::timeout, &loop, &QEventLoop::quit);
    end.start(length);
    loop.exec();
  }

  std::unique_ptr<QCoreApplication> application_;

 private:
  int arguments_ = 0;
};
INSTANTIATE_TEST_SUITE_P(Dispatcher, OnQt, testing::Values("Glib", "UNIX"),
                         [](const auto& parameter) { return std::string(parameter.param); });

// The first of the process: nothing was called before that looks for Qt.
TEST_P(OnQt, WhatAnObjectStartsBeforeThereIsAQTimerIsSeen) {
  Object object;
  object.startTimer(1'000'000);
  EXPECT_EQ(Live(), 1);
}

TEST_P(OnQt, IsSeen) {
  EXPECT_THAT(loops::Watched(), afterleak::test::Sees(loops::Library::kQt));
  const std::string dispatcher = QAbstractEventDispatcher::instance()->metaObject()->className();
  EXPECT_EQ(dispatcher, std::string("QEventDispatcher") + GetParam());
  QAbstractEventDispatcher* const as_it_was = QAbstractEventDispatcher::instance();
  EXPECT_EQ(dynamic_cast<void*>(as_it_was), as_it_was) << "its table says where it begins";
}

TEST_P(OnQt, ATimerIsLiveUntilItIsStoppedAndIdleUntilItIsDeleted) {
  auto* const timer = new QTimer;
  EXPECT_EQ(Live(), 0);
  EXPECT_EQ(Idle(), 1);
  timer->start(1'000'000);
  EXPECT_EQ(Live(), 1);
  EXPECT_EQ(Idle(), 0);
  timer->start(2'000'000);
  EXPECT_EQ(Armed(), 2);
  EXPECT_EQ(Stopped(), 1);
  timer->stop();
  timer->stop();
  EXPECT_EQ(Stopped(), 2);
  EXPECT_EQ(Live(), 0);
  EXPECT_EQ(Idle(), 1);
  delete timer;
  EXPECT_EQ(Idle(), 0);
}

TEST_P(OnQt, ADeletedTimerIsStopped) {
  {
    QTimer timer;
    timer.start(1'000'000);
    EXPECT_EQ(Live(), 1);
  }
  EXPECT_EQ(Stopped(), 1);
  const std::unique_ptr<QObject> parent = std::make_unique<QObject>();
  (new QTimer(parent.get()))->start(1'000'000);
  EXPECT_EQ(Live(), 1);
  for (QObject* const child : parent->children()) delete child;
  EXPECT_EQ(Stopped(), 2);
}

TEST_P(OnQt, ADeletedTimerIsDeletedByQt) {
  QObject parent;
  {
    const QTimer timer(&parent);
    EXPECT_EQ(parent.children().size(), 1);
  }
  EXPECT_TRUE(parent.children().isEmpty());
  delete new QTimer(&parent);
  EXPECT_TRUE(parent.children().isEmpty());
}

// Its program has made a mistake. The numbers stay right.
TEST_P(OnQt, OneWhoseMemoryIsUsedAgainIsAnother) {
  const afterleak::test::Lost lost;  // what is the first one's
  alignas(QTimer) std::byte memory[sizeof(QTimer)];
  new (memory) QTimer;
  auto* const timer = new (memory) QTimer;
  const int line = __LINE__ - 1;
  EXPECT_EQ(Idle(), 1);
  EXPECT_THAT(loops::Report(afterleak::Resource::kIdle), HasLiveAt(line, "QTimer"));
  timer->~QTimer();
}

TEST_P(OnQt, OneThatFiresOnceIsIdleAfterwards) {
  QTimer timer;
  timer.setSingleShot(true);
  timer.start(1);
  Run(20);
  EXPECT_EQ(Armed(), 2) << "the loop's end is the other one";
  EXPECT_EQ(Fired(), 1);
  EXPECT_EQ(Stopped(), 1) << "the other one";
  EXPECT_EQ(Idle(), 1);
}

TEST_P(OnQt, SingleShotIsGoneOnceItHasFired) {
  bool fired = false;
  QTimer::singleShot(1, [&] { fired = true; });
  EXPECT_EQ(Live(), 1);
  Run(20);
  EXPECT_TRUE(fired);
  EXPECT_EQ(Fired(), 1);
  EXPECT_EQ(Live(), 0);
  EXPECT_EQ(Idle(), 0) << "nobody has to delete it";
}

TEST_P(OnQt, SingleShotOutlivesItsContext) {
  auto context = std::make_unique<QObject>();
  bool called = false;
  QTimer::singleShot(1, context.get(), [&] { called = true; });
  context.reset();
  EXPECT_EQ(Live(), 1) << "it has nobody to call, and is pending all the same";
  Run(30);
  EXPECT_EQ(Live(), 0);
  EXPECT_EQ(Fired(), 1);
  EXPECT_FALSE(called);
}

TEST_P(OnQt, ARepeatingOneTicksAndStaysLive) {
  QEventLoop loop;
  QTimer timer;
  int ticks = 0;
  QObject::connect(&timer, &QTimer::timeout, [&] {
    if (++ticks == 5) loop.quit();
  });
  timer.start(1);
  loop.exec();
  EXPECT_EQ(Ticks(), 5);
  EXPECT_EQ(Live(), 1);
  EXPECT_EQ(Fired(), 0);
}

TEST_P(OnQt, AnObjectStartsTimersByItself) {
  auto object = std::make_unique<Object>();
  const int first = object->startTimer(1'000'000);
  object->startTimer(1'000'000);
  object->startTimer(1'000'000);
  EXPECT_EQ(Live(), 3);
  object->killTimer(first);
  EXPECT_EQ(Stopped(), 1);
  object.reset();
  EXPECT_EQ(Stopped(), 3) << "the others end with their object";
  EXPECT_EQ(Idle(), 0);
}

TEST_P(OnQt, AnObjectEndsItsOwnTimersAndNoOthers) {
  constexpr int kObjects = 600;
  std::deque<Object> objects;
  for (int i = 1; i <= kObjects; ++i) {
    objects.emplace_back().startTimer(1'000'000);
    Object other;
    other.startTimer(1'000'000);
    other.startTimer(1'000'000);
    ASSERT_EQ(Live(), i + 2);
  }
  EXPECT_EQ(Live(), kObjects);
  objects.pop_front();
  EXPECT_EQ(Live(), kObjects - 1);
  objects.clear();
  EXPECT_EQ(Live(), 0);
}

TEST_P(OnQt, ABasicTimerIsOfItsObject) {
  Object object;
  QBasicTimer timer;
  timer.start(1, &object);
  Run(20);
  EXPECT_GT(object.events(), 0);
  EXPECT_EQ(Live(), 1);
  timer.stop();
  EXPECT_EQ(Live(), 0);
}

TEST_P(OnQt, WhatATimerDoesInItsOwnEventIsSeen) {
  QEventLoop loop;
  QTimer timer;
  int calls = 0;
  QObject::connect(&timer, &QTimer::timeout, [&] {
    if (++calls < 3) return timer.start(1);
    timer.stop();
    loop.quit();
  });
  timer.start(1);
  loop.exec();
  EXPECT_EQ(Armed(), 3);
  EXPECT_EQ(Fired(), 3) << "it has fired, and is over or was started again";
  EXPECT_EQ(Live(), 0);
}

TEST_P(OnQt, ATimerMovesToAnotherThread) {
  SKIP_WHERE_A_HANDOVER_IS_NOT_SEEN();
  QThread thread;
  auto* const timer = new QTimer;
  timer->start(1'000'000);
  timer->moveToThread(&thread);
  QObject::connect(&thread, &QThread::finished, timer, &QObject::deleteLater);
  std::int64_t live = 0;
  pid_t id = 0;
  const auto look = [&] {
    live = Live();
    id = gettid();
    thread.quit();
  };
  QMetaObject::invokeMethod(timer, look, Qt::QueuedConnection);
  thread.start();
  Join(thread, id);
  EXPECT_EQ(live, 1) << "it is registered again there";
  EXPECT_EQ(Live(), 0);
}

TEST_P(OnQt, WhatIsPendingEndsWithTheLoop) {
  SKIP_WHERE_A_HANDOVER_IS_NOT_SEEN();
  struct Thread : QThread {
    void run() override {
      id = gettid();
      object.startTimer(1'000'000);
    }
    Object object;
    pid_t id = 0;
  } thread;
  thread.object.moveToThread(&thread);
  thread.start();
  Join(thread, thread.id);
  EXPECT_EQ(Armed(), 1);
  EXPECT_EQ(Live(), 0) << "its dispatcher is deleted";
  // Qt warns of an object that outlives its thread.
  qInstallMessageHandler([](QtMsgType, const QMessageLogContext&, const QString&) {});
}

TEST_P(OnQt, AnIdleTimerOutlivesTheApplication) {
  const auto timer = std::make_unique<QTimer>();
  timer->start(1'000'000);
  timer->stop();
  application_.reset();
  EXPECT_EQ(Idle(), 1);
}

TEST_P(OnQt, TheSiteIsTheLineThatArmed) {
  QTimer timer;
  const int line = __LINE__ - 1;
  EXPECT_THAT(loops::Report(afterleak::Resource::kIdle), HasLiveAt(line, "QTimer"));
  timer.start(1'000'000);
  Object object;
  const int timer_of_object = object.startTimer(1'000'000);
  QTimer::singleShot(10, [] {});
  const afterleak::CensusReport report = loops::Report();
  EXPECT_THAT(report, HasLiveAt(line + 3, "QTimer::start"));
  EXPECT_THAT(report, HasLiveAt(line + 5, "QObject::startTimer"));
  EXPECT_THAT(report, HasLiveAt(line + 6, "QObject::startTimer"));
  object.killTimer(timer_of_object);
  Run(30);
}

TEST_P(OnQt, TenThousandsAreCounted) {
  const auto timers = std::make_unique<std::array<QTimer, 10'000>>();
  EXPECT_EQ(Idle(), 10'000);
  for (QTimer& timer : *timers) timer.start(1'000'000);
  EXPECT_EQ(Live(), 10'000);
  for (std::size_t i = 0; i < timers->size(); i += 2) (*timers)[i].stop();
  EXPECT_EQ(Live(), 5'000);
  EXPECT_EQ(Idle(), 5'000);
}

}  // namespace
