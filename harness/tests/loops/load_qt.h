// One piece of work every `gap` milliseconds, in the thread of the application.
#pragma once
#include <QCoreApplication>
#include <QTimer>

#include "truth.h"
static inline void load_start(int gap, void (*work)(void), void (*finish)(void)) {
  static QTimer* const load = new QTimer;
  QObject::connect(load, &QTimer::timeout, [work, finish] {
    int step = T_step();
    if (step > 0) work();
    if (step >= 0) return;
    load->stop();
    finish();
    QCoreApplication::quit();
  });
  load->setTimerType(Qt::PreciseTimer);
  load->start(gap);
}
