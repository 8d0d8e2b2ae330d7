#include <QTimer>

QTimer* Ask(QObject* client) {
  auto* const limit = new QTimer(client);
  limit->setSingleShot(true);
  QObject::connect(limit, &QTimer::timeout, limit, &QObject::deleteLater);
  limit->start(30'000);
  return limit;
}

void Answered(QTimer* limit) { limit->stop(); }
