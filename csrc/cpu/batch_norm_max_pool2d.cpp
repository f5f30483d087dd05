// A plane is normalised into scratch, where it stays in L1 until it is pooled; its gradient is scattered into scratch,
// of as many planes as the sums of batch norm take together.
#include "ops/batch_norm_max_pool2d.h"

#include "cpu/batch_norm_backward.h"
#include "cpu/batch_norm_forward.h"
#include "cpu/fetch.h"
#include "cpu/pool2d_max.h"

namespace fastnn::cpu {
namespace {

constexpr int64_t largest_plane = 1 << 14;

// Planes of a channel, or of all of them, by the number of the first; neighbours are `step` numbers apart.
struct Planes {
  int64_t first, step, count;

  Planes piece(int64_t begin, int64_t end) const { return {first + begin * step, step, end - begin}; }
};

Planes planes_of(const Part& part, const AxisView& view, int64_t c) {
  return {part.offset / view.inner + c, view.axis_size, part.runs.count};
}

// So many fit into a third of L1, with what pooling keeps of them beside.
template <class T>
int64_t planes_at_once(const AxisView& view) {
  constexpr int64_t bytes = 1 << 14;
  return std::max<int64_t>(1, bytes / static_cast<int64_t>(sizeof(T)) / view.inner);
}

// The maxima of planes, or their gradients, `size` a plane.
template <class T>
struct Maxima {
  T* values;
  MaxPlaces places;
  int64_t size;

  T* values_of(int64_t plane) const { return values + plane * size; }
  MaxPlaces places_of(int64_t plane) const {
    const int64_t at = plane * size;
    return {places.indices ? places.indices + at : nullptr, places.taps ? places.taps + at : nullptr};
  }
  // Each plane of a channel begins a new stream, which the processor does not see coming.
  [[gnu::always_inline]] void fetch_all(const Planes& planes) const {
    for (int64_t plane = planes.first, left = planes.count; left > 0; plane += planes.step, --left) {
      fetch(values_of(plane), size);
      if (places.taps) fetch(places.taps + plane * size, size);
    }
  }
};

template <class T>
class NormalizedPlanes {
 public:
  NormalizedPlanes(const BatchNormForward<T>& norm, const AxisView& view, const Pool2dSize& size, const T* x, T* y,
                   const MaxPlaces& places)
      : norm_(norm),
        view_(view),
        pool_(size, size.window.h.output),
        rows_(size.window.h.output),
        at_once_(planes_at_once<T>(view)),
        x_(x),
        maxima_{y, places, pool_.outputs()} {}

  // Those of one channel, last ones first.
  void pool_channel(const Planes& planes, int64_t c) const {
    AlignedBuffer<T> scratch(scratch_cells());
    const NormTerms<T> terms = norm_.terms(c);
    for (int64_t end = planes.count; end > 0; end -= at_once_) {
      const Planes some = planes.piece(std::max<int64_t>(0, end - at_once_), end);
      maxima_.fetch_all(some);
      normalize(some, scratch.data(), terms);
      pool(some, scratch.data());
    }
  }

  void pool_all() const {
    const Planes all{0, 1, view_.outer * view_.axis_size};
    parallel_for(all.count, std::max<int64_t>(1, elements_per_task / view_.inner), [&](int64_t begin, int64_t end) {
      AlignedBuffer<T> scratch(scratch_cells());
      for (int64_t first = begin; first < end; first += at_once_) {
        const Planes some = all.piece(first, std::min(first + at_once_, end));
        for (int64_t i = 0; i < some.count; ++i) {
          normalize(some.piece(i, i + 1), scratch.data() + i * view_.inner, norm_.terms((first + i) % view_.axis_size));
        }
        pool(some, scratch.data());
      }
    });
  }

 private:
  int64_t scratch_cells() const { return at_once_ * view_.inner + pool_.scratch_cells(); }

  void normalize(const Planes& planes, T* y, const NormTerms<T>& terms) const {
    const Runs runs{planes.count, view_.inner, planes.step * view_.inner};
    kernels<T>().batch_norm.normalize(x_ + planes.first * view_.inner, runs, y, view_.inner, terms);
  }

  void pool(const Planes& planes, T* scratch) const {
    pool_.run({.x = scratch,
               .y = maxima_.values_of(planes.first),
               .places = maxima_.places_of(planes.first),
               .x_step = view_.inner,
               .y_step = planes.step * maxima_.size},
              {0, planes.count * rows_}, scratch + at_once_ * view_.inner);
  }

  const BatchNormForward<T>& norm_;
  const AxisView& view_;
  MaxPoolForward<T> pool_;
  int64_t rows_, at_once_;
  const T* x_;
  Maxima<T> maxima_;
};

// The gradients of maxima, as batch norm's backward asks for those of its output: all planes of a part at once.
template <class T>
class MaximaGradients {
 public:
  MaximaGradients(const AxisView& view, const Pool2dSize& size, const T* grad_output, const MaxPlaces& places)
      : view_(view),
        pool_(size, places.taps != nullptr, size.window.h.size),
        rows_(size.window.h.size),
        at_once_(std::max<int64_t>(1, 1024 / view.inner)),
        part_cells_(ChannelParts(view)[0].runs.count * view.inner),
        maxima_{grad_output, places, pool_.outputs()} {}

  int64_t scratch_cells() const { return part_cells_ + pool_.scratch_cells(); }

  GradientRuns<T> operator()(const Part& part, int64_t c, T* scratch) const {
    const Planes planes = planes_of(part, view_, c);
    const auto piece = [&](int64_t begin) {
      return planes.piece(std::min(begin, planes.count), std::min(begin + at_once_, planes.count));
    };
    const int64_t ahead = at_once_ * std::max<int64_t>(1, planes_ahead / at_once_);
    maxima_.fetch_all(planes.piece(0, std::min(ahead, planes.count)));
    for (int64_t begin = 0; begin < planes.count; begin += at_once_) {
      maxima_.fetch_all(piece(begin + ahead));
      send(piece(begin), scratch + begin * view_.inner, scratch + part_cells_);
    }
    return {scratch, view_.inner};
  }

 private:
  void send(const Planes& planes, T* grad_x, T* scratch) const {
    pool_.run({.grad_y = maxima_.values_of(planes.first),
               .places = maxima_.places_of(planes.first),
               .grad_x = grad_x,
               .x_step = view_.inner,
               .y_step = planes.step * maxima_.size},
              {0, planes.count * rows_}, scratch);
  }

  static constexpr int64_t planes_ahead = 8;

  const AxisView& view_;
  MaxPoolBackward<T> pool_;
  int64_t rows_, at_once_, part_cells_;
  Maxima<const T> maxima_;
};

}  // namespace

int64_t batch_norm_max_pool2d_room(const AxisView& view, const Pool2dSize& size) {
  const bool by_plane = !as_columns(view) && view.inner <= largest_plane && !is_empty(size);
  return by_plane ? 0 : view.outer * view.axis_size * view.inner;
}

template <class T>
void batch_norm_max_pool2d_forward(const BatchNormInputs<T>& in, const BatchNormOptions& options,
                                   const BatchNormOutputs<T>& out, const Pool2dSize& size, const MaxPlaces& places,
                                   T* room) {
  if (in.view.empty() || batch_norm_max_pool2d_room(in.view, size) > 0) {
    return normalize_then_pool(in, options, out, size, places, room);
  }
  const BatchNormForward<T> norm(in, options, out);
  const NormalizedPlanes<T> planes(norm, in.view, size, in.x, out.y, places);
  if (!options.training) {
    norm.settle_channels();
    return planes.pool_all();
  }
  norm.run_channels([&](const Part& part, int64_t c) { planes.pool_channel(planes_of(part, in.view, c), c); });
}

template <class T>
void batch_norm_max_pool2d_backward(const BatchNormBackwardInputs<T>& in, const BatchNormGradients<T>& grads,
                                    const Pool2dSize& size, const MaxPlaces& places, T* room) {
  if (in.view.empty() || batch_norm_max_pool2d_room(in.view, size) > 0) {
    return send_then_normalize(in, grads, size, places, room);
  }
  BatchNormBackward<T>(in, grads).run_channels(MaximaGradients<T>(in.view, size, in.grad_output, places));
}

template void batch_norm_max_pool2d_forward(const BatchNormInputs<float>&, const BatchNormOptions&,
                                            const BatchNormOutputs<float>&, const Pool2dSize&, const MaxPlaces&,
                                            float*);
template void batch_norm_max_pool2d_forward(const BatchNormInputs<double>&, const BatchNormOptions&,
                                            const BatchNormOutputs<double>&, const Pool2dSize&, const MaxPlaces&,
                                            double*);
template void batch_norm_max_pool2d_backward(const BatchNormBackwardInputs<float>&, const BatchNormGradients<float>&,
                                             const Pool2dSize&, const MaxPlaces&, float*);
template void batch_norm_max_pool2d_backward(const BatchNormBackwardInputs<double>&, const BatchNormGradients<double>&,
                                             const Pool2dSize&, const MaxPlaces&, double*);

}  // namespace fastnn::cpu
