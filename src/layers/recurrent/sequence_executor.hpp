// A recurrent layer in a plan: whole sequences forward, and back through time chunk by chunk.
//
// What a step computes is the kernels' business (RecurrentLayout says which cell); here is which steps are taken when,
// by whom, and where the buffers stand.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "engine/executor.hpp"
#include "kernels/table.hpp"
#include "layers/recurrent/lstm_bf16.hpp"
#include "layers/recurrent/recurrent_state.hpp"
#include "layers/recurrent/sequences.hpp"
#include "layers/regularization/dropout_factors.hpp"

namespace rondo::layers {

// One tensor for each of a layer's states: h, and c of an LSTM.
using StatePlaces = std::array<engine::Place, 2>;

inline Index state_count(const kernels::RecurrentLayout& layout) { return kernels::states_of(layout.cell()); }

// Where each gate has dropout of its own.
struct DroppedPlaces {
  std::optional<DropoutDraws> draws;  // none: there is none
  Index numbers = 0;                  // in a row, each with a draw to each gate
  engine::Place bits, records;

  template <class T>
  kernels::Dropped<T> at(const engine::Run& run) const noexcept {
    if (!draws) return {};
    return {.bits = bits.rows<const std::uint8_t>(run.arena),
            .plane = kernels::dropped_plane(numbers),
            .kept = static_cast<T>(draws->kept()),
            .records = records.rows<T>(run.arena)};
  }
  void draw(const engine::Run& run, Range rows, const kernels::KernelTable& table) const noexcept {
    if (!draws || rows.empty()) return;
    // Draws of a row stand behind those of the row before, wherever rows are shared out.
    auto of_rows = bits.rows<std::uint8_t>(run.arena);
    of_rows.data = of_rows.at(rows.begin, 0);
    table.dropout_bits(draws->at(run, rows.begin, 0), of_rows, rows.size(), numbers);
  }
};

struct SequencePlaces {
  engine::Place x, dx;                  // dx nowhere: not wanted
  engine::Place mask;                   // nowhere: every step counts
  engine::Place h, c;                   // slots of outputs, the last cell state of an LSTM
  engine::Place reset_h;                // scratch of a GRU that resets before its product
  StatePlaces initial, d_initial;       // nowhere: zero, not wanted
  engine::Place dh;                     // gradient of the output
  StatePlaces d_final;                  // gradients of the last states; nowhere: none
  engine::Place dc;                     // scratch
  engine::Place dh_carried, dh_border;  // scratch, of an LSTM with a mask and in chunks
  engine::Place kept, dz;               // what backward needs and makes; mostly nowhere in inference
  engine::Place checkpoints;            // states before each chunk; nowhere: nothing is computed again
  StatePlaces last;                     // with checkpoints: the last states, which backward overwrites elsewhere
  DroppedPlaces dropped_x, dropped_h;
  engine::Place arguments;         // of the kernels, whose addresses are found once for a workspace
  engine::GradientPlace gradient;  // of the weights; nowhere: frozen
  engine::BoundPlace recurrent_transposed, input_transposed;
  LstmBf16 bf16;  // instead of dz and in place of transposed weights, under mixed_bfloat16
};

struct SequenceSettings {
  kernels::RecurrentLayout layout;
  kernels::Activation activation, recurrent_activation;
  Index steps, capacity, h_slots, kept_slots;
  Index chunk;  // steps that backward takes before their weight gradients
  bool return_sequences, go_backwards;
  bool given_state;  // the call brings its own initial state; a stateful layer goes on from what it leaves
  bool relay;        // weight gradients of each chunk go from member to member
  bool streams;      // `initial` is carried from walk to walk

  Index chunks() const { return (steps + chunk - 1) / chunk; }
};

template <class T>
class SequenceExecutor final : public engine::Executor {
  using Run = engine::Run;
  using Args = kernels::RecurrentArgs<T>;
  using BackwardArgs = kernels::RecurrentBackwardArgs<T>;
  template <class U>
  using Rows = kernels::Rows<U>;

 public:
  SequenceExecutor(const SequenceSettings& settings, const SequencePlaces& places,
                   std::shared_ptr<engine::ParameterBlock> block, std::shared_ptr<RecurrentState> state)
      : s_(settings),
        at_(places),
        block_(std::move(block)),
        state_(std::move(state)),
        chunks_(settings.chunks()),
        states_(state_count(settings.layout)),
        ops_(&block_->table().template ops<T>().recurrent(settings.layout)) {}

  void bind(const Run& run) const noexcept override {
    static_assert(std::is_trivially_destructible_v<BackwardArgs>);
    std::construct_at(at_.arguments.pointer<BackwardArgs>(run.arena), backward_arguments(run));
  }
  // The room that bind needs, in elements.
  static constexpr Index kArguments = (Index{sizeof(BackwardArgs)} + Index{sizeof(T)} - 1) / Index{sizeof(T)};

  void begin(const Run& run) const override {
    if (state_ != nullptr) state_->require_rows(run.rows);
  }

  void forward(const Run& run, const engine::Member& member, Index /*stage*/) const noexcept override {
    const Range rows = member.share(run.rows);
    if (state_ != nullptr && !s_.given_state) {
      for (Index i = 0; i < states_; ++i) state_->template load<T>(i, place(at_.initial, i).rows<T>(run.arena), rows);
    }
    at_.dropped_x.draw(run, rows, block_->table());
    at_.dropped_h.draw(run, rows, block_->table());
    if (s_.streams) return walk_step(run, rows);
    const Args& args = bound(run).forward;
    if (!at_.checkpoints) {
      ops_->forward(args, {0, s_.steps}, rows);
    } else {
      for (Index i = 0; i < chunks(); ++i) {
        if (i > 0) copy_checkpoint(run, args, i, rows, /*restore=*/false);
        ops_->forward(args, chunk(i), rows);
      }
      leave_state(run, args, at_.last, rows);
    }
    if (state_ == nullptr) return;
    for (Index i = 0; i < states_; ++i) state_->template store<T>(i, state_after(args, s_.steps - 1, i), rows);
  }

  // Chunk by chunk, from the last steps to the first: what backward leaves of a chunk is still in the cache when the
  // weight gradients read it. A stage of rows and stages of weight gradients alternate, as the next chunk overwrites
  // what gradients have read. A single chunk leaves them to gradients(), which saves a barrier.
  //
  // What recomputes and has no gradients waits for a stage first: others may still read what it writes again.
  Index backward_stages() const override {
    if (!backward_has_gradients()) return at_.checkpoints ? 2 : 1;
    return chunks() + (s_.relay ? 2 * s_.steps + chunks() : chunks());
  }
  void backward(const Run& run, const engine::Member& member, Index stage) const noexcept override {
    if (!at_.dc) return;
    const BackwardArgs& args = bound(run);
    if (!backward_has_gradients()) {
      if (stage + 1 < backward_stages()) return;
      for (Index i = chunks() - 1; i >= 0; --i) backward_chunk(run, args, i, member);
      return;
    }
    Index i = chunks() - 1;
    for (; stage > gradient_stages(i); --i) stage -= 1 + gradient_stages(i);
    if (stage == 0) {
      backward_chunk(run, args, i, member);
    } else if (s_.relay && member.size() == 2) {
      relay(run, args.forward, i, member.rank(), stage - 1);
    } else if (stage == 1) {
      engine::for_each_shard(run, [&](const Run& shard, Range rows) {
        weight_gradients(shard, args.forward, chunk(i), rows, /*add=*/adds_ || i < chunks() - 1,
                         member.share(weight_tiles()));
      });
    }
  }

  Index gradient_tiles() const override { return at_.gradient && !backward_has_gradients() ? weight_tiles() : 0; }
  void gradients(const Run& run, Range rows, Range tiles) const noexcept override {
    if (!tiles.empty()) weight_gradients(run, bound(run).forward, {0, s_.steps}, rows, /*add=*/adds_, tiles);
  }

  void add_gradients() override { adds_ = true; }

  Index derived_tiles() const override { return derives() ? s_.layout.panels() : 0; }
  void derive(const Run& run, Range panels) const noexcept override {
    if (panels.empty()) return;
    transpose(run, s_.layout.first_recurrent(), s_.layout.units(), at_.recurrent_transposed, panels);
    transpose(run, s_.layout.first_input(), s_.layout.inputs(), at_.input_transposed, panels);
    if constexpr (kMayRound) {
      if (!at_.bf16) return;
      bf16_ops().lstm_weights(s_.layout, block_->template values<T>(),
                              at_.bf16.weights.template pointer<kernels::Bf16Pair>(run), panels);
    }
  }
  const engine::ParameterBlock* derived_from() const override { return derives() ? block_.get() : nullptr; }

  double flops_per_row() const override {
    const double products =
        2.0 * static_cast<double>(s_.layout.gates()) * static_cast<double>(s_.layout.inputs() + s_.layout.units());
    // Sigmoids and tangents in units of a multiplication: three and two, or two and one.
    const double cell = s_.layout.is_lstm() ? 100 : 60;
    return static_cast<double>(s_.steps) * static_cast<double>(s_.layout.units()) * (products + cell);
  }

 private:
  bool backward_has_gradients() const { return (chunks() > 1 || s_.relay) && at_.dc && at_.gradient; }
  Index gradient_stages(Index i) const { return s_.relay ? 2 * chunk(i).size() + 1 : 1; }

  // A turn of two members. Each adds the products of its own rows, whose dz and h are in the cache of its processor, to
  // one half of the tiles; then the halves change hands. So a tile goes through the steps from the last to the first,
  // in each through the rows of member 0 and then those of member 1, as every chain must; the second half begins a turn
  // later. Place 2 n + r in a half's chain is member r's part of the n-th step.
  void relay(const Run& run, const Args& args, Index i, Index rank, Index turn) const noexcept {
    const Range steps = chunk(i);
    const Index half = (turn + rank) % 2, place = turn - half;
    if (place < 0 || place >= 2 * steps.size()) return;
    const Index step = steps.end - 1 - place / 2;
    weight_gradients(run, args, {step, step + 1}, share(run.rows, rank, 2),
                     /*add=*/adds_ || i < chunks() - 1 || place > 0, share(weight_tiles(), half, 2));
  }

  void backward_chunk(const Run& run, const BackwardArgs& args, Index i, const engine::Member& member) const noexcept {
    const Range rows = member.share(run.rows);
    if (at_.checkpoints && i < chunks() - 1) {
      if (i > 0) copy_checkpoint(run, args.forward, i, rows, /*restore=*/true);
      ops_->forward(args.forward, chunk(i), rows);
    }
    ops_->backward(args, chunk(i), rows);
  }

  bool derives() const { return at_.recurrent_transposed || at_.input_transposed || at_.bf16; }

  static constexpr bool kMayRound = std::is_same_v<T, float>;
  const kernels::Bf16Ops& bf16_ops() const { return block_->table().bf16; }

  Index weight_tiles() const {
    return at_.bf16 ? bf16_ops().lstm_gradient_tiles(s_.layout, at_.bf16.tile) : ops_->gradient_tiles(s_.layout);
  }
  void weight_gradients(const Run& run, const Args& args, Range steps, Range rows, bool add,
                        Range tiles) const noexcept {
    T* gradient = at_.gradient.pointer<T>(run);
    if constexpr (kMayRound) {
      if (at_.bf16) return bf16_ops().lstm_gradients(args, steps, rows, gradient, add, tiles);
    }
    ops_->gradients(args, steps, rows, gradient, add, tiles);
  }

  // Weight rows [first, first + count) for backward, if they have a place.
  void transpose(const Run& run, Index first, Index count, const engine::BoundPlace& to, Range panels) const noexcept {
    if (!to) return;
    const T* weights = block_->template values<T>();
    if constexpr (kMayRound) {
      if (at_.bf16) {
        return bf16_ops().lstm_transpose(s_.layout, weights, first, count, to.pointer<kernels::Bf16Pair>(run), panels);
      }
    }
    ops_->transpose(s_.layout, weights, first, count, to.pointer<T>(run), panels);
  }

  static const engine::Place& place(const StatePlaces& places, Index i) { return places[static_cast<std::size_t>(i)]; }

  template <class U>
  static Rows<U> at_step(Rows<U> rows, Index step) {
    return {rows.at(0, step), rows.batch_stride, rows.step_stride};
  }

  // Rows whose step 0 is the first step processed.
  template <class U>
  Rows<U> in_processing_order(Rows<U> rows) const {
    if (!s_.go_backwards || !rows) return rows;
    return {rows.at(0, s_.steps - 1), rows.batch_stride, -rows.step_stride};
  }

  // A stream's step goes on from the state before, or from zero.
  void walk_step(const Run& run, Range rows) const noexcept {
    Args args = bound(run).forward;
    if (run.step == 0) args.h0 = {};
    ops_->forward(args, {0, s_.steps}, rows);
    leave_state(run, args, at_.initial, rows);
  }

  const BackwardArgs& bound(const Run& run) const noexcept {
    return *at_.arguments.pointer<const BackwardArgs>(run.arena);
  }

  Args arguments(const Run& run) const noexcept {
    return {.layout = s_.layout,
            .activation = s_.activation,
            .recurrent_activation = s_.recurrent_activation,
            .steps = s_.steps,
            .capacity = s_.capacity,
            .weights = block_->template values<T>(),
            .mask = in_processing_order(at_.mask.rows<const std::uint8_t>(run.arena)),
            .x = in_processing_order(at_.x.rows<const T>(run.arena)),
            .h = at_.h.rows<T>(run.arena),
            .h_slots = s_.h_slots,
            .h0 = at_.initial[0].rows<const T>(run.arena),
            .c0 = at_.initial[1].rows<const T>(run.arena),
            .c = at_.c.rows<T>(run.arena),
            .reset_h = at_.reset_h.rows<T>(run.arena),
            .dropped_x = at_.dropped_x.at<T>(run),
            .dropped_h = at_.dropped_h.at<T>(run),
            .kept = at_.kept.pointer<T>(run.arena),
            .kept_slots = s_.kept_slots,
            .dz = at_.dz.pointer<T>(run.arena),
            .dz_slots = s_.chunk,
            .bf16 = at_.bf16.operands(run)};
  }

  BackwardArgs backward_arguments(const Run& run) const noexcept {
    return {.forward = arguments(run),
            .recurrent_transposed = at_.recurrent_transposed.pointer<T>(run),
            .input_transposed = at_.input_transposed.pointer<T>(run),
            .dh = at_.dh.rows<const T>(run.arena),
            .dh_every_step = s_.return_sequences,
            .dh_final = at_.d_final[0].rows<const T>(run.arena),
            .dc_final = at_.d_final[1].rows<const T>(run.arena),
            .dc = at_.dc.rows<T>(run.arena),
            .dh_carried = at_.dh_carried.rows<T>(run.arena),
            .dh_border = at_.dh_border.rows<T>(run.arena),
            .dx = in_processing_order(at_.dx.rows<T>(run.arena)),
            .dh0 = at_.d_initial[0].rows<T>(run.arena),
            .dc0 = at_.d_initial[1].rows<T>(run.arena)};
  }

  Index chunks() const { return chunks_; }
  Range chunk(Index i) const { return {i * s_.chunk, std::min(s_.steps, (i + 1) * s_.chunk)}; }

  void copy_rows(Rows<T> from, Rows<T> to, Range rows) const noexcept {
    layers::copy_rows<T>(from, to, rows, s_.layout.units());
  }

  // Where a state stands when a step has been done.
  Rows<T> state_after(const Args& args, Index step, Index which) const noexcept {
    return which == 0 ? at_step(args.h, step % s_.h_slots) : args.c;
  }

  void leave_state(const Run& run, const Args& args, const StatePlaces& to, Range rows) const noexcept {
    for (Index i = 0; i < states_; ++i) {
      copy_rows(state_after(args, s_.steps - 1, i), place(to, i).rows<T>(run.arena), rows);
    }
  }

  // The state before a chunk, to its checkpoint or back to where the chunk looks for it.
  void copy_checkpoint(const Run& run, const Args& args, Index number, Range rows, bool restore) const noexcept {
    const Index step = chunk(number).begin - 1;
    const Rows<T> checkpoints = at_.checkpoints.rows<T>(run.arena);
    for (Index which = 0; which < states_; ++which) {
      const Rows<T> checkpoint = at_step(checkpoints, states_ * number + which);
      const Rows<T> state = state_after(args, step, which);
      restore ? copy_rows(checkpoint, state, rows) : copy_rows(state, checkpoint, rows);
    }
    if (restore && s_.layout.is_lstm()) keep_cell_state(args, step, rows);
  }

  // Backward looks for the cell state of the step before in what was kept of it.
  void keep_cell_state(const Args& args, Index step, Range rows) const noexcept {
    for (Index panel = 0; panel < s_.layout.panels(); ++panel) {
      const Rows<T> to = args.kept_at(kernels::kKeptCell, step, panel, 0);
      for (Index b = rows.begin; b < rows.end; ++b) {
        std::copy_n(args.c.at(b, 0) + s_.layout.first_unit(panel), s_.layout.units_in(panel), to.at(b, 0));
      }
    }
  }

  SequenceSettings s_;
  SequencePlaces at_;
  std::shared_ptr<engine::ParameterBlock> block_;
  std::shared_ptr<RecurrentState> state_;  // null unless stateful
  Index chunks_, states_;
  bool adds_ = false;  // to gradients of other calls
  const kernels::RecurrentOps<T>* ops_;
};

}  // namespace rondo::layers
