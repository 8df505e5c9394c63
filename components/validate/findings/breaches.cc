#include "components/validate/findings/breaches.h"

#include "components/sdk/cells.h"
#include "components/validate/personal/mask.h"
#include "operator/base/shown_text.h"

namespace penstock::validate {

bool RowSet::Add(std::int64_t row) {
  const auto piece = std::size_t(row / kPieceRows);
  if (piece >= pieces_.size()) pieces_.resize(piece + 1);
  if (pieces_[piece] == nullptr) pieces_[piece] = std::make_unique<std::vector<bool>>(kPieceRows);
  auto bit = (*pieces_[piece])[std::size_t(row % kPieceRows)];
  if (bit) return false;
  bit = true;
  ++size_;
  return true;
}

bool RowSet::Has(std::int64_t row) const {
  const auto piece = std::size_t(row / kPieceRows);
  return piece < pieces_.size() && pieces_[piece] != nullptr &&
         (*pieces_[piece])[std::size_t(row % kPieceRows)];
}

void Breaches::Add(std::int64_t row, const sdk::Cell& value) {
  if (!rows_.Add(row) || examples_.size() >= most_) return;
  // What is cut could hide what is personal: masked first.
  const auto* text = std::get_if<std::string_view>(&value);
  if (text != nullptr) {
    const std::string masked = personal::Masked(*text);
    examples_.push_back({row, sdk::ShownCell(std::string_view(masked))});
  } else {
    examples_.push_back({row, personal::Masked(sdk::ShownCell(value))});
  }
}

void Breaches::AddShown(std::int64_t row, std::string_view shown) {
  if (!rows_.Add(row) || examples_.size() >= most_) return;
  constexpr std::size_t kMostBytes = 200;
  examples_.push_back({row, plan::Shown(personal::Masked(shown), kMostBytes)});
}

}  // namespace penstock::validate
