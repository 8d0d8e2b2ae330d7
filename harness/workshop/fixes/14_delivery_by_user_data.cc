#include "workshop/on_glib.h"

namespace workshop {
namespace {

struct Delivery {
  std::function<bool()> send;
  std::function<void(bool arrived)> done;
  Duration pause;
};

void End(Delivery* delivery, bool arrived) {
  while (g_source_remove_by_user_data(delivery)) {
  }
  const std::unique_ptr<Delivery> owned(delivery);
  delivery->done(arrived);
}

gboolean OnLimit(gpointer delivery) {
  End(static_cast<Delivery*>(delivery), false);
  return G_SOURCE_REMOVE;
}

gboolean OnPause(gpointer data);

void Try(Delivery* delivery) {
  if (delivery->send()) return End(delivery, true);
  g_timeout_add(Milliseconds(delivery->pause), OnPause, delivery);
  delivery->pause *= 2;
}

gboolean OnPause(gpointer delivery) {
  Try(static_cast<Delivery*>(delivery));
  return G_SOURCE_REMOVE;
}

}  // namespace

void Deliver(std::function<bool()> send, Duration pause, Duration limit,
             std::function<void(bool arrived)> done) {
  auto* const delivery = new Delivery{std::move(send), std::move(done), pause};
  g_timeout_add(Milliseconds(limit), OnLimit, delivery);
  Try(delivery);
}

}  // namespace workshop
