// Once more, a little later
//
// A mail program on GLib tries to deliver each message at once. If that fails it waits a little and
// tries again, then waits twice as long, and so on; after a while it gives up.
//
// Most messages arrive at the first or second try. Yet an hour later the program still knows all of
// them: each has a source in the main context, sometimes two, that looks at its deadline whether
// the message has arrived. It has, long ago.
//
// GLib knows a source by its number. The number is good until the source is removed, or has
// returned G_SOURCE_REMOVE; to remove it once more is a mistake that GLib complains about.
//
// The promise:
//   Deliver calls `send` at once, and while that returns false it calls it again: after `pause`,
//   then after twice that, and so on. It calls `done` once: with true as soon as one has returned
//   true, or with false when `limit` is over, to the instant. When `done` has returned, nothing of
//   the message is left in the main context, and both functions are let go. GLib complains of
//   nothing.
#include "workshop/on_glib.h"

namespace workshop {
namespace {

struct Delivery {
  std::function<bool()> send;
  std::function<void(bool arrived)> done;
  Duration pause;
  bool over = false;
};
using Shared = std::shared_ptr<Delivery>;

void Free(gpointer delivery) { delete static_cast<Shared*>(delivery); }

void End(Delivery& delivery, bool arrived) {
  delivery.over = true;
  delivery.done(arrived);
}

gboolean OnLimit(gpointer data) {
  const Shared delivery = *static_cast<Shared*>(data);
  if (!delivery->over) End(*delivery, false);
  return G_SOURCE_REMOVE;
}

gboolean OnPause(gpointer data);

void Try(const Shared& delivery) {
  if (delivery->send()) return End(*delivery, true);
  g_timeout_add_full(G_PRIORITY_DEFAULT, Milliseconds(delivery->pause), OnPause,
                     new Shared(delivery), Free);
  delivery->pause *= 2;
}

gboolean OnPause(gpointer data) {
  const Shared delivery = *static_cast<Shared*>(data);
  if (!delivery->over) Try(delivery);
  return G_SOURCE_REMOVE;
}

}  // namespace

void Deliver(std::function<bool()> send, Duration pause, Duration limit,
             std::function<void(bool arrived)> done) {
  const auto delivery =
      std::make_shared<Delivery>(Delivery{std::move(send), std::move(done), pause});
  g_timeout_add_full(G_PRIORITY_DEFAULT, Milliseconds(limit), OnLimit, new Shared(delivery), Free);
  Try(delivery);
}

}  // namespace workshop
