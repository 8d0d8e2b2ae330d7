#include <gtest/gtest.h>

#include <QCoreApplication>
#include <QTimer>

QTimer* Ask(QObject* client);
void Answered(QTimer* limit);

TEST(Client, EndsWithItsAnswer) {
  int arguments = 0;
  const QCoreApplication application(arguments, nullptr);
  static QObject client;  // outlives the test, as it outlives its requests
  Answered(Ask(&client));
  QCoreApplication::sendPostedEvents(nullptr, QEvent::DeferredDelete);
}
