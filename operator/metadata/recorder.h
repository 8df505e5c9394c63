// Takes note of runs. Implementations are thread-safe and never block the caller on a disk.
#pragma once

#include "operator/metadata/record.h"

namespace penstock::metadata {

class Recorder {
 public:
  virtual ~Recorder() = default;
  virtual void RecordRun(RunRecord record) = 0;
};

// For engines without a history (`penstock run`, tests).
class NullRecorder : public Recorder {
 public:
  void RecordRun(RunRecord /*record*/) override {}
};

}  // namespace penstock::metadata
