#include "afterleak/census/verdict.h"

namespace afterleak {

std::string ToString(const Verdict& verdict) {
  std::string out = (verdict.unfounded.empty() ? verdict.summary : verdict.unfounded) + "\n";
  for (const Finding& finding : verdict.findings) out += ToString(finding);
  return out;
}

}  // namespace afterleak
