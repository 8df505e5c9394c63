// Observer: sees what was asked and answered, beside the way of a request. Never fails one and
// never makes one wait. Thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "components/serve/engine/model_names.h"

namespace penstock::serve {

class Observer {
 public:
  // What one request's inputs left behind until its answer is there.
  struct Seen {
    virtual ~Seen() = default;
  };

  virtual ~Observer() = default;
  // Inputs that fit the signature, in its order. May give null: nothing to remember.
  [[nodiscard]] virtual std::shared_ptr<Seen> SeeInputs(const std::vector<InputTensor>& inputs,
                                                        std::int64_t rows) = 0;
  // All outputs of the signature. A request that fails is forgotten.
  virtual void SeeAnswer(const std::shared_ptr<Seen>& seen, const std::string& id,
                         const std::vector<Tensor>& outputs) = 0;
  // Families of their own in Prometheus' text format; may be empty.
  [[nodiscard]] virtual std::string MetricsText() const = 0;
};

}  // namespace penstock::serve
