#include "workshop/on_glib.h"

namespace workshop {
namespace {

struct Delivery {
  std::function<bool()> send;
  std::function<void(bool arrived)> done;
  Duration pause;
  guint limit = 0;
  guint retry = 0;
};

void End(Delivery* delivery, bool arrived) {
  if (delivery->limit != 0) g_source_remove(delivery->limit);
  if (delivery->retry != 0) g_source_remove(delivery->retry);
  const auto done = std::move(delivery->done);
  delete delivery;
  done(arrived);
}

gboolean OnPause(gpointer data);

void Try(Delivery* delivery) {
  if (delivery->send()) return End(delivery, true);
  delivery->retry = g_timeout_add(Milliseconds(delivery->pause), OnPause, delivery);
  delivery->pause *= 2;
}

gboolean OnPause(gpointer data) {
  auto* const delivery = static_cast<Delivery*>(data);
  Try(delivery);
  delivery->retry = 0;
  return G_SOURCE_REMOVE;
}

gboolean OnLimit(gpointer data) {
  static_cast<Delivery*>(data)->limit = 0;
  End(static_cast<Delivery*>(data), false);
  return G_SOURCE_REMOVE;
}

}  // namespace

void Deliver(std::function<bool()> send, Duration pause, Duration limit,
             std::function<void(bool arrived)> done) {
  auto* const delivery = new Delivery{std::move(send), std::move(done), pause};
  delivery->limit = g_timeout_add(Milliseconds(limit), OnLimit, delivery);
  Try(delivery);
}

}  // namespace workshop
