#include <gtest/gtest.h>

#include <QCoreApplication>
#include <QTimer>

QTimer* Ask(QObject* client);
void Answered(QTimer* limit);

TEST(Client, EndsWithItsAnswer) {
  int arguments = 0;
  const QCoreApplication application(arguments, nullptr);
  QObject client;
  Answered(Ask(&client));
  QCoreApplication::sendPostedEvents(nullptr, QEvent::DeferredDelete);
  EXPECT_EQ(client.findChildren<QTimer*>().size(), 0);
}
