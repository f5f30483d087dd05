#include "ops/pool2d.h"

#include "cpu/dispatch.h"
#include "cpu/pool2d_max.h"
#include "cpu/pool2d_tables.h"

namespace fastnn::cpu {
namespace {

// What is divided by along one axis; a caller's divisor is that of the rows, with a `fixed` 1 for the columns.
template <class T>
Column<T> divisors(const WindowAxis& axis, const AxisTables& tables, const Pool2dOptions& options, int64_t fixed) {
  const bool with_padding = options.count_include_pad && !options.adaptive;
  return Column<T>(axis.output, [&](int64_t o) {
    if (options.divisor != 0) return fixed;
    const int64_t padded = std::min(axis.first(o) + axis.kernel, axis.size + axis.after) - axis.first(o);
    return with_padding ? padded : tables.span(o).count;
  });
}

}  // namespace

template <class T>
void max_pool2d_forward(const Pool2dSize& size, const T* x, T* y, const MaxPlaces& places) {
  if (is_empty(size)) return;
  const MaxPoolForward<T> pool(size, rows_per_task(cells_forward(size.window)));
  const MaxPoolPlanes<T> planes{.x = x, .y = y, .places = places, .x_step = pool.cells(), .y_step = pool.outputs()};
  for_rows<T>(size.planes * size.window.h.output, pool.rows_at_once(), pool.scratch_cells(),
              [&](PoolRange rows, T* scratch) { pool.run(planes, rows, scratch); });
}

void check_max_pool2d_indices(const Pool2dSize& size, Shape shape, const int64_t* indices) {
  if (is_empty(size)) return;
  const auto& [h, w] = size.window;
  const AxisTables rows(h), columns(w);
  parallel_for(size.planes * h.output, rows_per_task(w.output), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const PoolSpan& span = rows.span(row % h.output);
      const PoolRange cells = cells_of_rows(size.window, span);
      for (int64_t q = 0; q < w.output; ++q) {
        const int64_t at = row * w.output + q, index = indices[at];
        if (index >= cells.begin && index < cells.end) continue;
        if (index == -1 && (span.count == 0 || columns.span(q).count == 0)) continue;
        fail_pool_index(shape, cells, index, at);
      }
    }
  });
}

template <class T>
void max_pool2d_backward(const Pool2dSize& size, const T* grad_output, const MaxPlaces& places, T* grad_x) {
  if (size.planes == 0) return;
  const MaxPoolBackward<T> pool(size, places.taps != nullptr, rows_per_task(cells_backward(size.window)));
  const MaxPoolGradients<T> planes{
      .grad_y = grad_output, .places = places, .grad_x = grad_x, .x_step = pool.cells(), .y_step = pool.outputs()};
  for_rows<T>(size.planes * size.window.h.size, pool.rows_at_once(), pool.scratch_cells(),
              [&](PoolRange rows, T* scratch) { pool.run(planes, rows, scratch); });
}

template <class T>
void avg_pool2d_forward(const Pool2dSize& size, const Pool2dOptions& options, const T* x, T* y) {
  if (is_empty(size)) return;
  const auto& [h, w] = size.window;
  const int64_t grain = rows_per_task(cells_forward(size.window)), copied = rows_under(h, grain);
  const AxisTables rows(h), columns(w);
  const auto row_divisors = divisors<T>(h, rows, options, options.divisor);
  const auto column_divisors = divisors<T>(w, columns, options, 1);
  AvgPoolTask<T> task{.h = rows.axis(),
                      .w = columns.axis(copied),
                      .x = x,
                      .y = y,
                      .row_divisors = row_divisors.data(),
                      .column_divisors = column_divisors.data(),
                      .kept = kept_parts(size.window),
                      .scratch_cells = 0};
  task.scratch_cells = copied * task.w.padded_width;
  for_rows<T>(size.planes * h.output, grain, task.scratch_cells + task.kept.rows * task.kept.step,
              [&](PoolRange range, T* scratch) { kernels<T>().pool.avg(task, range, scratch); });
}

template <class T>
void avg_pool2d_backward(const Pool2dSize& size, const Pool2dOptions& options, const T* grad_output, T* grad_x) {
  if (size.planes == 0) return;
  const auto& [h, w] = size.window;
  const AxisTables rows(h, true), columns(w);
  const auto row_divisors = divisors<T>(h, rows, options, options.divisor);
  const auto column_divisors = divisors<T>(w, columns, options, 1);
  const bool by_shifts = h.stride > 0 && shifts_by_1_or_2(w);
  const SentRow sent(w, by_shifts);
  const AvgPoolBackwardTask<T> task{.h = rows.axis(),
                                    .w = columns.axis(),
                                    .grad_y = grad_output,
                                    .grad_x = grad_x,
                                    .row_divisors = row_divisors.data(),
                                    .column_divisors = column_divisors.data(),
                                    .margin = sent.margin,
                                    .sent_length = by_shifts ? sent.length : w.output,
                                    .divided_rows = by_shifts ? rows_over(h, avg_rows_at_once) : 0};
  const int64_t rows_of_scratch = by_shifts ? task.divided_rows + avg_rows_at_once : 1;
  for_rows<T>(size.planes * h.size, rows_per_task(cells_backward(size.window)), rows_of_scratch * task.sent_length,
              [&](PoolRange range, T* scratch) { kernels<T>().pool.avg_backward(task, range, scratch); });
}

template void max_pool2d_forward(const Pool2dSize&, const float*, float*, const MaxPlaces&);
template void max_pool2d_forward(const Pool2dSize&, const double*, double*, const MaxPlaces&);
template void max_pool2d_backward(const Pool2dSize&, const float*, const MaxPlaces&, float*);
template void max_pool2d_backward(const Pool2dSize&, const double*, const MaxPlaces&, double*);
template void avg_pool2d_forward(const Pool2dSize&, const Pool2dOptions&, const float*, float*);
template void avg_pool2d_forward(const Pool2dSize&, const Pool2dOptions&, const double*, double*);
template void avg_pool2d_backward(const Pool2dSize&, const Pool2dOptions&, const float*, float*);
template void avg_pool2d_backward(const Pool2dSize&, const Pool2dOptions&, const double*, double*);

}  // namespace fastnn::cpu
