// The servers of tested/, which the learner's tests are run on.

#include "workshop/check.h"
#include "workshop/exercises.h"
#include "workshop/tested.h"
#include "workshop/tested/servers.h"

namespace workshop {
namespace {

tested::Server under_test;

}  // namespace

void tested::ChooseServer(Server server) { under_test = std::move(server); }

const AllTested& TestedByTheLearner() {
  static const AllTested all = {"servers", tested::SoundServers(), tested::LeakyServers()};
  return all;
}

void Serve(Chan<Order> orders, const Backend& backend, Duration limit) {
  under_test(orders, backend, limit);
}

const Exercise kExercise = {.instead = RunTheTests};

}  // namespace workshop
