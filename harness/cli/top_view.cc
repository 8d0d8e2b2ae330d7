#include "cli/top_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "cli/top_columns.h"

namespace cli {

using namespace afterleak;
using watch::SiteRow;

std::string TopView::NameOf(const Row& row) {
  return fmt::format("{}\n{}\n{}\n{}\n{}\n{}", row.file, row.line, row.column, row.function,
                     row.kind, fmt::join(row.called_from, "\n"));
}

void TopView::Take(watch::Report report) {
  if (paused_) return;
  report_ = std::move(report);
  Sort();
}

void TopView::Sort() {
  order_.clear();
  for (const SiteRow& row : report_.sites) {
    if (row.armed > 0 || row.idle > 0) order_.push_back(&row);  // else made there, armed elsewhere
  }
  const auto* const column = std::ranges::find(kTopColumns, sorted_by_, &TopColumn::key);
  if (column != std::end(kTopColumns)) {  // else as in the report
    std::ranges::stable_sort(
        order_, [&](const Row* a, const Row* b) { return column->value(*a) > column->value(*b); });
  }
  if (reversed_) std::ranges::reverse(order_);
  if (!order_.empty() && page_ == Page::kTable && (!chosen_ || Selected() == order_.size()))
    selected_ = NameOf(*order_.front());
}

std::size_t TopView::Selected() const {
  const auto found =
      std::ranges::find_if(order_, [&](const Row* row) { return NameOf(*row) == selected_; });
  return static_cast<std::size_t>(found - order_.begin());
}

void TopView::Move(std::ptrdiff_t by) {
  if (order_.empty()) return;
  const auto last = static_cast<std::ptrdiff_t>(order_.size()) - 1;
  const auto now = std::min(static_cast<std::ptrdiff_t>(Selected()), last);
  const auto next = std::clamp<std::ptrdiff_t>(now + by, 0, last);
  selected_ = NameOf(*order_[static_cast<std::size_t>(next)]);
  chosen_ = next > 0;
}

bool TopView::Press(Key key) {
  if (key == 'q') return false;
  if (key == ' ') {
    paused_ = !paused_;
  } else if (key == 'h' || key == '?') {
    page_ = page_ == Page::kHelp ? Page::kTable : Page::kHelp;
    scrolled_text_ = 0;
  } else if (page_ == Page::kTable) {
    PressInTable(key);
  } else {
    PressInText(key);
  }
  return true;
}

void TopView::PressInTable(Key key) {
  constexpr std::ptrdiff_t kFar = 1 << 20;
  const auto page = static_cast<std::ptrdiff_t>(page_rows_);
  switch (key) {
    case kUp:
    case 'k':
      return Move(-1);
    case kDown:
    case 'j':
      return Move(1);
    case kPageUp:
      return Move(-page);
    case kPageDown:
      return Move(page);
    case kHome:
      return Move(-kFar);
    case kEnd:
      return Move(kFar);
    case kEnter:
    case kRight:
      if (!order_.empty()) page_ = Page::kSite;
      chosen_ = true;
      scrolled_text_ = 0;
      return;
    case 'r':
      reversed_ = !reversed_;
      chosen_ = false;
      return Sort();
    default:
      break;
  }
  if (key != 'w' &&
      std::ranges::none_of(kTopColumns, [&](const TopColumn& c) { return c.key == key; }))
    return;
  sorted_by_ = key;
  reversed_ = chosen_ = false;
  Sort();
}

void TopView::PressInText(Key key) {
  const std::size_t page = std::max<std::size_t>(page_rows_, 1);
  switch (key) {
    case kEscape:
    case kLeft:
    case kBackspace:
      page_ = Page::kTable;
      return Sort();
    case kUp:
    case 'k':
      scrolled_text_ -= std::min<std::size_t>(scrolled_text_, 1);
      return;
    case kDown:
    case 'j':
      ++scrolled_text_;
      return;
    case kPageUp:
      scrolled_text_ -= std::min(scrolled_text_, page);
      return;
    case kPageDown:
      scrolled_text_ += page;
      return;
    case kHome:
      scrolled_text_ = 0;
      return;
    case kEnd:
      scrolled_text_ = 1 << 20;
      return;
    default:
      return;
  }
}

}  // namespace cli
