// What messages hold: each is looked at as it comes, and kept on disk, or handed to the quarantine
// by partition and offset. Used by one thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "components/kafka/quarantine.h"
#include "components/kafka/span.h"
#include "components/kafka/spill.h"
#include "components/kafka/topic.h"
#include "operator/base/result.h"

namespace penstock::kafka {

enum class Form : std::uint8_t { kJsonl, kCsv, kText };
enum class KeyForm : std::uint8_t { kNone, kText, kBytes };

struct IntakeOptions {
  std::filesystem::path folder = {};  // where messages lie; exists
  Form form = Form::kJsonl;
  KeyForm keys = KeyForm::kNone;
  std::size_t csv_columns = 0;
  char delimiter = ',';
  bool empty_is_null = true;  // of CSV: by nullValues
  std::uint64_t max_bytes = UINT64_MAX;
};

// The messages of a partition that are to become rows.
struct Gathered {
  std::int32_t partition = 0;
  SpillPaths paths;
  std::int64_t count = 0;
  std::int64_t with_columns = 0;  // of JSON: objects that are not empty
};

class Intake {
 public:
  Intake(IntakeOptions options, Quarantine& quarantine)
      : options_(std::move(options)), quarantine_(quarantine) {}

  // Opens the files of these partitions; each is named once.
  [[nodiscard]] Result<void> Begin(const std::vector<Span>& spans);
  // Invalid for more than max_bytes, and where the quarantine says that what is bad is an error: a
  // value that is no JSON object, no record of so many CSV values, no UTF-8.
  [[nodiscard]] Result<void> Add(const Message& message);
  // Closes them.
  [[nodiscard]] Result<void> Finish();

  [[nodiscard]] const std::vector<Gathered>& gathered() const { return gathered_; }
  [[nodiscard]] std::int64_t messages() const { return messages_; }
  [[nodiscard]] std::int64_t without_value() const { return without_value_; }

 private:
  struct Open {
    std::unique_ptr<SpillWriter> writer;
    Gathered gathered;
  };
  // What is wrong with it, or "" and `body_`.
  [[nodiscard]] std::string Look(const Message& message, bool& with_columns);

  const IntakeOptions options_;
  Quarantine& quarantine_;
  std::map<std::int32_t, Open> open_;
  std::vector<Gathered> gathered_;
  std::string body_;
  std::int64_t messages_ = 0;
  std::int64_t without_value_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace penstock::kafka
