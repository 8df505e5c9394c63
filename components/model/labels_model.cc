#include "components/model/labels_model.h"

#include <algorithm>
#include <map>
#include <utility>

#include "components/model_format/label_models.h"
#include "operator/base/try.h"

namespace penstock::model {
namespace {

void TakeNarrower(const InputSpec& own, InputSpec& spec) {
  spec.nullable = spec.nullable && own.nullable;
  if (own.minimum) spec.minimum = std::max(*own.minimum, spec.minimum.value_or(*own.minimum));
  if (own.maximum) spec.maximum = std::min(*own.maximum, spec.maximum.value_or(*own.maximum));
  std::erase_if(spec.null_texts, [&](const std::string& text) {
    return std::find(own.null_texts.begin(), own.null_texts.end(), text) == own.null_texts.end();
  });
}

Result<Signature> SignatureOf(const std::vector<LabelPart>& parts) {
  Signature signature;
  signature.inputs = parts.front().model->signature().inputs;
  for (const LabelPart& part : parts) {
    const Signature& own = part.model->signature();
    bool same = own.inputs.size() == signature.inputs.size();
    for (std::size_t i = 0; same && i < own.inputs.size(); ++i) {
      same = own.inputs[i].name == signature.inputs[i].name &&
             own.inputs[i].datatype == signature.inputs[i].datatype &&
             own.inputs[i].is_time == signature.inputs[i].is_time;
    }
    if (!same) {
      return Invalid("the model of label '" + part.label + "' takes other inputs than that of '" +
                     parts.front().label + "'");
    }
    for (std::size_t i = 0; i < own.inputs.size(); ++i) {
      TakeNarrower(own.inputs[i], signature.inputs[i]);
    }
    for (OutputSpec output : own.outputs) {
      output.name = sdk::OutputOfLabel(output.name, part.label);
      signature.outputs.push_back(std::move(output));
    }
  }
  return signature;
}

class LabelsModel : public Model {
 public:
  LabelsModel(std::vector<LabelPart> parts, Signature signature)
      : parts_(std::move(parts)), signature_(std::move(signature)) {
    std::map<std::string, std::size_t> places;
    for (std::size_t k = 0; k < parts_.size(); ++k) {
      const auto [at, added] = places.try_emplace(parts_[k].prepares, first_.size());
      if (added) first_.push_back(k);
      matrix_.push_back(at->second);
    }
  }

  const Signature& signature() const override { return signature_; }

  std::string platform() const override {
    const std::string first = parts_.front().model->platform();
    const bool same = std::all_of(parts_.begin(), parts_.end(), [&](const LabelPart& part) {
      return part.model->platform() == first;
    });
    return same ? first : "penstock_multilabel";
  }

  // A matrix for each way to make one, not for each label.
  Result<std::vector<Tensor>> Prepare(std::vector<InputTensor> inputs) const override {
    std::vector<Tensor> prepared;
    const auto prepare = [&](std::size_t k, std::vector<InputTensor> own) -> Result<void> {
      const Model& model = *parts_[k].model;
      if (first_.size() > 1) {  // what is a null to one recipe may be a value to another
        PENSTOCK_TRY(FitInputs(model.signature(), &own));
      }
      PENSTOCK_ASSIGN(auto matrix, model.Prepare(std::move(own)));
      prepared.push_back(std::move(matrix.front()));
      return {};
    };
    for (std::size_t i = 0; i + 1 < first_.size(); ++i) PENSTOCK_TRY(prepare(first_[i], inputs));
    PENSTOCK_TRY(prepare(first_.back(), std::move(inputs)));
    return prepared;
  }

  Result<std::vector<Tensor>> Run(const std::vector<Tensor>& prepared) const override {
    std::vector<Tensor> raw(parts_.size());
    for (std::size_t m = 0; m < first_.size(); ++m) {
      std::vector<Tensor> copy;
      if (prepared.size() > 1) copy.push_back(prepared[m]);
      for (std::size_t k = 0; k < parts_.size(); ++k) {
        if (matrix_[k] != m) continue;
        auto answer = parts_[k].model->Run(copy.empty() ? prepared : copy);
        if (!answer) return Wrap("label '" + parts_[k].label + "'", answer.error());
        raw[k] = std::move(answer->front());
      }
    }
    return raw;
  }

  Result<std::vector<Tensor>> Present(std::vector<Tensor> raw) const override {
    std::vector<Tensor> outputs;
    for (std::size_t k = 0; k < parts_.size(); ++k) {
      std::vector<Tensor> one;
      one.push_back(std::move(raw[k]));
      PENSTOCK_ASSIGN(auto own, parts_[k].model->Present(std::move(one)));
      for (Tensor& output : own) {
        output.name = sdk::OutputOfLabel(output.name, parts_[k].label);
        outputs.push_back(std::move(output));
      }
    }
    return outputs;
  }

 private:
  const std::vector<LabelPart> parts_;
  const Signature signature_;
  std::vector<std::size_t> first_;   // the first part of each key: what makes matrix m
  std::vector<std::size_t> matrix_;  // of each part
};

}  // namespace

Result<std::unique_ptr<Model>> MakeLabelsModel(std::vector<LabelPart> parts) {
  PENSTOCK_ASSIGN(auto signature, SignatureOf(parts));
  return std::unique_ptr<Model>(
      std::make_unique<LabelsModel>(std::move(parts), std::move(signature)));
}

}  // namespace penstock::model
