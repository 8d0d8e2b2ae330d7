// Qt: a timer for each session, which is idle for too long. Its variants:
// 0: right
// 1: nobody can take it back
// 2: object leaked
// 3: closed, not stopped
#include <QCoreApplication>
#include <QTimer>
#include <deque>

#include "load_qt.h"

struct Session {
  QTimer* timer;
  int id;
};
static std::deque<Session> sessions;

static Session opened() {
  Session session{nullptr, 0};
  if (LEAKY == 1) {
    session.id = ARM_LEAK(1);
    QTimer::singleShot(30000, [] {});
    return session;
  }
  session.timer = new QTimer;
  OBJECT;
  session.timer->setInterval(LEAKY == 3 ? 400 : 30000);
  QObject::connect(session.timer, &QTimer::timeout, [] {});
  session.id = ARM_LEAK(LEAKY == 3);
  session.timer->start();
  return session;
}
static void close(const Session& session) {
  if (LEAKY == 1 || LEAKY == 3) return;
  session.timer->stop(), T_end(session.id);
  if (LEAKY != 2) delete session.timer, T_free();
}
static void work() {
  sessions.push_back(opened());
  if (sessions.size() <= 18) return;
  close(sessions.front());
  sessions.pop_front();
}

int main(int argc, char** argv) {
  T_start(argc, argv, 340);
  QCoreApplication application(argc, argv);
  load_start(6, work, T_report);
  return QCoreApplication::exec();
}
