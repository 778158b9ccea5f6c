#include "training/session.hpp"

#include "core/standard_floats.hpp"
#include "training/labels.hpp"

namespace rondo::training {

void Session::prepare(const Data& data, Index capacity, const std::string& what) {
  node_.build_for(data.sample);
  std::shared_ptr<const Program> program = node_.program(mode_, data.shapes(capacity));
  if (program != program_) {
    workspace_.reset();  // for the next program to take
    workspace_.emplace(program->plan->lease());
    program_ = std::move(program);
    changed();
  }
  check_labels(node_, *program_, data, what);
}

void TrainingSession::changed() {
  check_can_learn(node(), program());
  optimizer_.prepare(*program().plan);
}

TrainingSession::Trained TrainingSession::step(const Samples& samples) {
  const StandardFloats floats;
  const Step step = program().train(workspace(), samples, optimizer_);
  if (step.updated) return {step.loss, {}};
  Fault fault = finish_step(node(), {samples, program(), workspace()}, step, optimizer_);
  if (!fault) return {step.loss, {}};
  return {step.loss, std::move(fault)};
}

double EvaluationSession::evaluate(const Samples& samples) {
  const StandardFloats floats;
  program().evaluate(workspace(), samples);
  return program().loss(run(samples.rows));
}

}  // namespace rondo::training
