#include "training/session.hpp"

#include "core/standard_floats.hpp"
#include "training/labels.hpp"

namespace rondo::training {

void Session::prepare(const Data& data, Index capacity, const std::string& what) {
  if (node_.compilations() != compilations_) {
    throw StateError(
        node_.where() +
        ": compile was called between two batches of an evaluation, which goes on with the losses and metrics "
        "it began with; compile when it has returned");
  }
  node_.build_for(data.sample);
  ModelNode::ProgramShapes shapes = data.shapes(capacity);
  shapes.shards = shards_;
  std::shared_ptr<const Program> program = node_.program(mode_, shapes);
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
  // Not collected for nothing: sequences of many lengths come here with each batch.
  const std::vector<engine::Parameter> parameters =
      optimizer_.needs_parameters() ? node().parameters() : std::vector<engine::Parameter>();
  optimizer_.prepare(program().plan->gradient_slots(), parameters);
  step_.emplace(program(), optimizer_, parameters);
}

std::optional<Fault> TrainingSession::step(const Samples& samples, EpochMeans& means) {
  const StandardFloats floats;
  const TrainingStep::Result result = step_->take(workspace(), samples);
  if (!result.updated) {
    if (Fault fault = finish_step(node(), {samples, program(), workspace()}, result, *step_, optimizer_)) return fault;
  }
  means.add(program(), workspace().run(samples.rows), result.loss);
  return {};
}

void EvaluationSession::evaluate(const Samples& samples, EpochMeans& means) {
  const StandardFloats floats;
  program().evaluate(workspace(), samples);
  const engine::Run run = workspace().run(samples.rows);
  means.add(program(), run, program().loss(run));
}

}  // namespace rondo::training
