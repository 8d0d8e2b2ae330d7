#include "workshop/on_glib.h"

namespace workshop {
namespace {

struct Delivery {
  std::function<bool()> send;
  std::function<void(bool arrived)> done;
  Duration pause;
  GSource* limit = nullptr;
  GSource* retry = nullptr;
};
using Shared = std::shared_ptr<Delivery>;

void Free(gpointer delivery) { delete static_cast<Shared*>(delivery); }

GSource* Add(Duration delay, GSourceFunc call, const Shared& delivery) {
  GSource* const source = g_timeout_source_new(Milliseconds(delay));
  g_source_set_callback(source, call, new Shared(delivery), Free);
  g_source_attach(source, nullptr);
  return source;
}

void Remove(GSource*& source) {
  if (source == nullptr) return;
  g_source_destroy(source);
  source = nullptr;
}

void End(Delivery& delivery, bool arrived) {
  Remove(delivery.limit);
  Remove(delivery.retry);
  delivery.done(arrived);
}

gboolean OnLimit(gpointer data) {
  const Shared delivery = *static_cast<Shared*>(data);
  End(*delivery, false);
  return G_SOURCE_REMOVE;
}

gboolean OnPause(gpointer data);

void Try(const Shared& delivery) {
  if (delivery->send()) return End(*delivery, true);
  Remove(delivery->retry);
  delivery->retry = Add(delivery->pause, OnPause, delivery);
  delivery->pause *= 2;
}

gboolean OnPause(gpointer data) {
  const Shared delivery = *static_cast<Shared*>(data);
  Try(delivery);
  return G_SOURCE_REMOVE;
}

}  // namespace

void Deliver(std::function<bool()> send, Duration pause, Duration limit,
             std::function<void(bool arrived)> done) {
  const auto delivery =
      std::make_shared<Delivery>(Delivery{std::move(send), std::move(done), pause});
  delivery->limit = Add(limit, OnLimit, delivery);
  Try(delivery);
}

}  // namespace workshop
