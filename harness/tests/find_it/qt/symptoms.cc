// A hundred requests, and what find_it.md says that shows then.
#include <QCoreApplication>
#include <QTimer>
#include <cstdio>

QTimer* Ask(QObject* client);
void Answered(QTimer* limit);

int main(int argc, char** argv) {
  const QCoreApplication application(argc, argv);
  QObject client;
  for (int i = 0; i < 100; ++i) Answered(Ask(&client));
  QCoreApplication::sendPostedEvents(nullptr, QEvent::DeferredDelete);
  std::printf("timers that are children: %d\n", int{client.findChildren<QTimer*>().size()});
}
