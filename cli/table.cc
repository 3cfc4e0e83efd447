#include "cli/table.h"

#include <algorithm>

namespace henge::cli {
namespace {

// Characters, not bytes: continuation bytes of UTF-8 take no room.
size_t Width(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

}  // namespace

void Table::Print(std::ostream& out) const {
  std::vector<size_t> widths;
  for (size_t c = 0; c < columns_.size(); ++c) {
    size_t width = Width(columns_[c].title);
    for (const auto& row : rows_) width = std::max(width, Width(row[c]));
    widths.push_back(width);
  }
  auto print_row = [&](auto cell) {
    std::string line;
    for (size_t c = 0; c < columns_.size(); ++c) {
      std::string padding(widths[c] - Width(cell(c)), ' ');
      if (c > 0) line += "  ";
      line += columns_[c].align == Align::kRight ? padding + cell(c) : cell(c) + padding;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out << line << '\n';
  };
  print_row([&](size_t c) { return columns_[c].title; });
  for (const auto& row : rows_) print_row([&](size_t c) { return row[c]; });
}

}  // namespace henge::cli
