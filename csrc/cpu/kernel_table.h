// The kernels of one instruction set, as pointers: each unit in isa/ exports those of one dtype, dispatch.h
// hands out the best one. A kernel works on plain memory of one thread and knows neither shapes nor threads.
#pragma once

#include <cstdint>

#include "cpu/conv2d_kernels.h"
#include "cpu/pool2d_task.h"
#include "cpu/sample_taps.h"
#include "ops/activation_list.h"
#include "ops/optimizer_constants.h"

namespace fastnn::cpu {

// What happens to a finished tile of C before it is stored: + bias[column], + row_bias[row], then max(0, .).
template <class T>
struct Epilogue {
  const T* bias = nullptr;
  bool relu = false;
  const T* row_bias = nullptr;  // of multiply_panel only
};

// C (m x n) = or += A (m x k) * B (k x n), n at most the tile's width. A is read in tiles of `tile_rows`
// rows: element (i, p) of tile t lies at a + t * a_tile + i * a_row + p * a_k.
template <class T>
struct PanelProduct {
  const T* a;
  int64_t a_tile, a_row, a_k;
  const T* b;
  int64_t b_k;
  int64_t b_column;  // 1, but for multiply_thin
  bool b_padded;     // rows of B may be read to the tile's full width
  bool b_far;        // B lies in no cache near by, of multiply_thin
  bool b_followed;   // behind this packed panel lies the next one, of multiply_panel
  bool c_far;        // C lies in no cache near by, of multiply_panel
  T* c;
  int64_t c_row;
  int64_t m, n, k;
  bool accumulate;
  const Epilogue<T>* epilogue;  // null: none
};

template <class T>
struct GemmKernels {
  int64_t tile_rows, tile_columns;
  void (*multiply_panel)(const PanelProduct<T>& product);
  // For at most thin_rows rows, any n, and a B either way round (b_k or b_column is 1): B is read once, where
  // packing would write and read it again.
  int64_t thin_rows;
  void (*multiply_thin)(const PanelProduct<T>& product);
  // For k in [1, shallow_depth], any m and n, and a B with b_column 1: C is what takes the time.
  int64_t shallow_depth;
  void (*multiply_shallow)(const PanelProduct<T>& product);
  // Writes dst[tile][p][i] for the lines i of src, in tiles of tile_rows (A) or tile_columns (B) lines, short
  // tiles filled up with zeros. Element p of line i lies at src + i * line + p * step; one of the two is 1.
  void (*pack_a)(const T* src, int64_t line, int64_t step, int64_t lines, int64_t depth, T* dst);
  void (*pack_b)(const T* src, int64_t line, int64_t step, int64_t lines, int64_t depth, T* dst);
  // out[j] = or += sum over i of x[i * row + j]
  void (*sum_rows)(const T* x, int64_t row, int64_t rows, int64_t columns, bool accumulate, T* out);
};

// kept: x or y, as ops/activation_list.h says.
template <class T>
struct ActivationKernels {
  void (*forward)(const T* x, T* y, int64_t n, const ActivationParameters& parameters);
  void (*backward)(const T* grad_y, const T* kept, T* grad_x, int64_t n, const ActivationParameters& parameters);
};

// Softmax over the middle axis of (outer, axis_size, inner): "rows" where inner is 1, else "lanes", for which
// a call takes `count` neighbouring positions whose elements are `stride` apart.
template <class T>
struct SoftmaxKernels {
  void (*rows)(const T* x, T* y, int64_t rows, int64_t axis_size, bool log);
  void (*lanes)(const T* x, T* y, int64_t count, int64_t axis_size, int64_t stride, bool log);
  void (*rows_backward)(const T* grad_y, const T* y, T* grad_x, int64_t rows, int64_t axis_size, bool log);
  void (*lanes_backward)(const T* grad_y, const T* y, T* grad_x, int64_t count, int64_t axis_size, int64_t stride,
                         bool log);
};

// Cross-entropy of `count` neighbouring positions; class c of position i lies at logits + i * position + c * step.
// The target of position i is the distribution
//   labels:        t_c = weight_c * (smooth + keep * (c == label_i))
//   probabilities: t_c = weight_c * (smooth + keep * probability_c)
template <class T>
struct CrossEntropyBlock {
  const T* logits;
  T* grad;  // null: not wanted; laid out as logits
  T* loss;  // one value a position
  int64_t count, classes;
  int64_t position, step;  // one of the two is 1
  const int64_t* labels;   // class of each position, -1 where ignored; null for soft targets
  const T* probabilities;  // soft targets, laid out as logits; null for labels
  const T* weight;         // by class
  T keep;                  // 1 - label_smoothing
  T smooth;                // label_smoothing / classes
  T grad_scale;            // what the loss is multiplied with in the reduction
};

template <class T>
struct CrossEntropyKernels {
  void (*rows)(const CrossEntropyBlock<T>& block);   // step is 1
  void (*lanes)(const CrossEntropyBlock<T>& block);  // position is 1
};

// Losses of `count` pairs of input and target.
template <class T>
struct PointwiseBlock {
  const T* input;
  const T* target;
  const T* weight;      // factors of the losses; null: ones
  const T* pos_weight;  // takes the place of `parameter`, element by element, unless null
  T parameter;          // delta of huber, beta of smooth_l1, 1 of binary cross-entropy
  T* loss;              // null: not wanted
  T* grad;              // null: not wanted
  int64_t count;
  T grad_scale;  // what the loss is multiplied with in the reduction
};

// Multi-class margin losses of `count` rows of scores.
template <class T>
struct MultiMarginBlock {
  const T* input;
  T* grad;  // null: not wanted
  T* loss;  // one value a row
  const int64_t* labels;
  const T* weight;  // by class; null: ones
  int64_t count, classes;
  T margin;
  bool squared;
  T grad_scale;
};

template <class T>
struct LossKernels {
  // These return the sum of the losses.
  double (*mse)(const PointwiseBlock<T>& block);
  double (*l1)(const PointwiseBlock<T>& block);
  double (*huber)(const PointwiseBlock<T>& block);
  double (*smooth_l1)(const PointwiseBlock<T>& block);
  double (*bce_with_logits)(const PointwiseBlock<T>& block);
  double (*hinge)(const PointwiseBlock<T>& block);
  void (*multi_margin)(const MultiMarginBlock<T>& block);
};

template <class T>
struct DropoutKernels {
  // The mask of element i is word i % 4 of Philox block i / 4 for `call`, kept where word >= threshold (2^32: none);
  // first is a multiple of 4.
  void (*apply)(const T* x, T* y, int64_t first, int64_t n, uint64_t seed, uint64_t call, uint64_t threshold, T scale);
};

// The elements of one channel of (N, C, S): `count` runs of `length` neighbours each, `stride` apart.
struct Runs {
  int64_t count, length, stride;
};

// Of `count` numbers their mean, and the sum of the squared deviations from it.
struct Moments {
  double count, mean, m2;
};

// y = scale (x - mean) + shift, then max(0, .) with relu; and its gradient, where g is 0 for y <= 0 with relu:
//   training: grad_x = scale (g - offset - slope (x - mean))        else: grad_x = scale g
// Value is T for one channel, or const T* for a row of columns.
template <class Value>
struct NormTerms {
  Value mean, scale, shift;
  Value offset, slope;
  bool training, relu;
};

template <class T>
struct BatchNormKernels {
  // One channel. moments may hold those of elements before; sums[0] += sum of g, sums[1] += sum of g (x - mean).
  // y_stride is from run to run of y and of grad_y, which may lie in memory of their own.
  void (*moments)(const T* x, const Runs& runs, Moments* moments);
  void (*normalize)(const T* x, const Runs& runs, T* y, int64_t y_stride, const NormTerms<T>& terms);
  void (*gradient_sums)(const T* x, const Runs& runs, const T* grad_y, int64_t y_stride, const NormTerms<T>& terms,
                        double* sums);
  void (*gradient)(const T* x, const Runs& runs, const T* grad_y, int64_t y_stride, const NormTerms<T>& terms,
                   T* grad_x);
  // Lanes are columns: `runs.count` rows of `runs.length` columns, one result (sums: two) a column.
  void (*column_moments)(const T* x, const Runs& runs, Moments* moments);
  void (*normalize_columns)(const T* x, T* y, const Runs& runs, const NormTerms<const T*>& terms);
  void (*column_gradient_sums)(const T* grad_y, const T* x, const Runs& runs, const NormTerms<const T*>& terms,
                               double* sums);
  void (*column_gradient)(const T* grad_y, const T* x, T* grad_x, const Runs& runs, const NormTerms<const T*>& terms);
};

// Rows of `length` elements; one mean and one rstd = 1 / sqrt(variance + eps) a row.
template <class T>
struct LayerNormRows {
  int64_t rows, length;
  const T* x;
  const T *weight, *bias;
};

template <class T>
struct LayerNormGradientRows {
  int64_t rows, length;
  const T *grad_y, *x, *mean, *rstd, *weight;
  T* grad_x;     // null: not wanted
  T* scratch;    // 2 * length values; null where neither of the sums is wanted
  double* sums;  // sums[j] = sum of g (x - mean) rstd and sums[length + j] = sum of g, over the rows
};

template <class T>
struct LayerNormKernels {
  void (*forward)(const LayerNormRows<T>& in, double eps, T* y, T* mean, T* rstd);
  void (*backward)(const LayerNormGradientRows<T>& in);
};

// Of n <= tile_cells places of a grid and one plane.
template <class T>
struct GridSampleKernels {
  void (*taps)(const SampleAxis<T>& x, const SampleAxis<T>& y, const T* grid, int64_t n, SampleTaps<T>* taps);
  void (*forward)(const SampleTaps<T>& taps, int64_t n, const T* plane, T* y);
  void (*grad_grid)(const SampleTaps<T>& taps, int64_t n, const T* grad_output, const T* plane, T* of_x, T* of_y);
  void (*grad_input)(const SampleTaps<T>& taps, int64_t n, const T* grad_output, T* grad_plane);
};

// One stretch of a parameter with its state, as RMSprop steps it.
template <class T>
struct RMSpropPiece {
  T* param;
  const T* grad;
  T* square_avg;
  T* grad_avg;         // null unless centered
  T* momentum_buffer;  // null without momentum
  int64_t n;
};

template <class T>
struct OptimizerKernels {
  void (*sgd)(T* param, const T* grad, T* buffer, int64_t n, const SGDConstants<T>& c);
  void (*adam)(T* param, const T* grad, T* exp_avg, T* exp_avg_sq, T* max_exp_avg_sq, int64_t n,
               const AdamConstants<T>& c);
  void (*rmsprop)(const RMSpropPiece<T>& piece, const RMSpropConstants<T>& c);
  void (*adagrad)(T* param, const T* grad, T* sum, int64_t n, const AdagradConstants<T>& c);
};

template <class T>
struct ClipGradKernels {
  // The sum of |x|^p, in double; for p = infinity the largest |x|.
  double (*norm_sum)(const T* x, int64_t n, double p);
  void (*scale)(T* x, int64_t n, T factor);
  void (*clamp)(T* x, int64_t n, T limit);  // to [-limit, limit]
};

template <class T>
struct Kernels {
  GemmKernels<T> gemm;
  ActivationKernels<T> activation[activation_count];  // by Activation
  SoftmaxKernels<T> softmax;
  CrossEntropyKernels<T> cross_entropy;
  LossKernels<T> loss;
  DropoutKernels<T> dropout;
  BatchNormKernels<T> batch_norm;
  LayerNormKernels<T> layer_norm;
  GridSampleKernels<T> grid_sample;
  OptimizerKernels<T> optimizer;
  Conv2dKernels<T> conv2d;
  PoolKernels<T> pool;
  ClipGradKernels<T> clip_grad;
  // Runs `rounds` rounds of FMAs without dependencies between them; the FLOPs done come back.
  double (*burn_fma)(int64_t rounds);
};

struct KernelTable {
  const char* isa;
  const Kernels<float>& f32;
  const Kernels<double>& f64;
};

}  // namespace fastnn::cpu
