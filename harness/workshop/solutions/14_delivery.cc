// Both sources are known by their numbers, and removed when it is over. A number is forgotten where
// its source ends by itself. The limit is armed first: the message may arrive at once.
#include "workshop/on_glib.h"

namespace workshop {
namespace {

struct Delivery {
  std::function<bool()> send;
  std::function<void(bool arrived)> done;
  Duration pause;
  guint limit = 0;  // the number of its source, like the next; 0: there is none
  guint retry = 0;
};
using Shared = std::shared_ptr<Delivery>;

void Free(gpointer delivery) { delete static_cast<Shared*>(delivery); }

void Remove(guint& source) {
  if (source != 0) g_source_remove(std::exchange(source, 0));
}

void End(Delivery& delivery, bool arrived) {
  Remove(delivery.limit);
  Remove(delivery.retry);
  delivery.done(arrived);
}

gboolean OnLimit(gpointer data) {
  const Shared delivery = *static_cast<Shared*>(data);
  delivery->limit = 0;
  End(*delivery, false);
  return G_SOURCE_REMOVE;
}

gboolean OnPause(gpointer data);

void Try(const Shared& delivery) {
  if (delivery->send()) return End(*delivery, true);
  delivery->retry = g_timeout_add_full(G_PRIORITY_DEFAULT, Milliseconds(delivery->pause), OnPause,
                                       new Shared(delivery), Free);
  delivery->pause *= 2;
}

gboolean OnPause(gpointer data) {
  const Shared delivery = *static_cast<Shared*>(data);
  delivery->retry = 0;
  Try(delivery);
  return G_SOURCE_REMOVE;
}

}  // namespace

void Deliver(std::function<bool()> send, Duration pause, Duration limit,
             std::function<void(bool arrived)> done) {
  const auto delivery =
      std::make_shared<Delivery>(Delivery{std::move(send), std::move(done), pause});
  delivery->limit = g_timeout_add_full(G_PRIORITY_DEFAULT, Milliseconds(limit), OnLimit,
                                       new Shared(delivery), Free);
  Try(delivery);
}

}  // namespace workshop
