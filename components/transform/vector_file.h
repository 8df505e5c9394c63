// A file of word vectors in the text form of word2vec, GloVe and fastText (.vec): a word and its
// numbers a line, between blanks; the first line may say how many words and numbers there are.
//
// The file may be larger than memory: it is read once from end to end, each line is checked, and
// where the wanted words stand is kept. Used by one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "components/model_format/word_vectors.h"
#include "operator/base/result.h"

namespace penstock::transform {

struct WordHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>()(text);
  }
};
using WordSet = std::unordered_set<std::string, WordHash, std::equal_to<>>;

class VectorFile {
 public:
  // Finds `wanted` and the first `first` words of the file that a text can have as one word
  // (words.h), whose Hangul is composed. Invalid names the file and the line: another number of
  // numbers, what is no finite number, an empty or a repeated word, a file that has other than the
  // words its first line says, one that is packed or binary.
  [[nodiscard]] static Result<VectorFile> Scan(const std::string& path, const WordSet& wanted,
                                               std::int64_t first);

  [[nodiscard]] std::int64_t dimensions() const { return dimensions_; }
  [[nodiscard]] std::int64_t words() const { return words_; }  // of the file
  // That no text can have: with blanks or punctuation in them, or no UTF-8; among the first ones.
  [[nodiscard]] std::int64_t unusable() const { return unusable_; }
  [[nodiscard]] bool Has(std::string_view word) const {
    return places_.find(word) != places_.end();
  }
  [[nodiscard]] const std::vector<std::string>& first() const { return first_; }

  // The vectors of words that are there, in that order.
  [[nodiscard]] Result<std::shared_ptr<const sdk::WordVectors>> Read(
      const std::vector<std::string>& words) const;

 private:
  struct Reading;
  struct Place {
    std::uint64_t offset = 0;
    std::int64_t line = 0;
  };
  std::string path_;
  std::int64_t dimensions_ = 0;
  std::int64_t words_ = 0;
  std::int64_t unusable_ = 0;
  std::unordered_map<std::string, Place, WordHash, std::equal_to<>> places_;
  std::vector<std::string> first_;
};

}  // namespace penstock::transform
