// Sums by channel over (N, C, S), and what is then done to every element of a channel.
//
// Planes of some size are read channel by channel, each in parts where channels are few. Small planes are read as a
// matrix of N rows and C S columns, a thread a column. The parts of a channel are joined by a second kernel. All is
// cut by sizes alone, so that the bits depend on nothing else.
//
// A Source has Value, Sums, Join and none() of what it gathers, of_channel(c) with the terms of a channel, and
// take<size>(sums, at) for packs that begin at elements `at`. Finish is called with (c, sums) of a whole channel.
#pragma once

#include "cuda/divider.cuh"
#include "cuda/moments.cuh"
#include "ops/tensor.h"

namespace fastnn::cuda {

inline constexpr size_t values_at_once = 16;    // that a thread asks for
inline constexpr int64_t enough_blocks = 1024;  // for any device

inline int64_t ceil_div(int64_t n, int64_t by) { return (n + by - 1) / by; }

struct ChannelParts {
  int64_t channels, inner;  // results of a channel in a part
  int64_t parts, length;    // items of a part
  int64_t items;
};

template <class Source, class Finish>
__device__ inline void put_part(const ChannelParts& parts, int64_t part, int64_t column,
                                const typename Source::Sums& sums, typename Source::Sums* partial,
                                const Finish& finish) {
  if (parts.parts * parts.inner == 1) {
    finish(column, sums);
  } else {
    partial[part * parts.channels * parts.inner + column] = sums;
  }
}

// --- planes --------------------------------------------------------------------------------------

// Packs of a channel, numbered through the planes.
template <class I, size_t size>
struct ChannelItems {
  int64_t channels, plane;
  Divider<I> by_packs;

  explicit ChannelItems(const AxisView& view)
      : channels(view.axis_size), plane(view.inner), by_packs(view.inner / static_cast<int64_t>(size)) {}

  __device__ int64_t offset(int64_t channel, I item) const {
    const I n = by_packs.quotient(item), rest = by_packs.remainder(item);
    return (n * channels + channel) * plane + rest * static_cast<int64_t>(size);
  }
};

template <class I, size_t size, class Source, class Finish>
__global__ void channel_sums_kernel(ChannelParts parts, ChannelItems<I, size> items, Source source,
                                    typename Source::Sums* partial, Finish finish) {
  using Sums = typename Source::Sums;
  const int64_t channel = block_of_grid() % parts.channels, part = block_of_grid() / parts.channels;
  const auto begin = static_cast<I>(part * parts.length);
  const auto end = static_cast<I>(smaller((part + 1) * parts.length, parts.items));
  const auto of_channel = source.of_channel(channel);
  Sums sums = Source::none();
  for_each_batch<values_at_once / size>(begin + static_cast<I>(thread_of_block()), end,
                                        static_cast<I>(threads_of_block()), [&]<size_t packs>(const I(&item)[packs]) {
                                          int64_t at[packs];
                                          FASTNN_UNROLL
                                          for (int i = 0; i < static_cast<int>(packs); ++i)
                                            at[i] = items.offset(channel, item[i]);
                                          of_channel.template take<size>(sums, at);
                                        });
  sums = block_reduce(sums, Source::none(), typename Source::Join{});
  if (thread_of_block() == 0) put_part<Source>(parts, part, channel, sums, partial, finish);
}

inline ChannelParts plane_parts(const AxisView& view, size_t size) {
  const int64_t items = view.outer * view.inner / static_cast<int64_t>(size);
  const int64_t most = ceil_div(items, block_threads * static_cast<int64_t>(values_at_once / size));
  const int64_t parts = std::clamp<int64_t>(ceil_div(enough_blocks, view.axis_size), 1, std::max<int64_t>(1, most));
  return {view.axis_size, 1, parts, ceil_div(items, parts), items};
}

// --- columns -------------------------------------------------------------------------------------

inline constexpr int64_t smallest_plane = 16;  // shorter runs leave lanes of a warp empty

inline bool as_columns(const AxisView& view) { return view.inner < smallest_plane; }

// A warp has neighbouring columns, the warps of a block have rows in turn.
template <class Source, class Finish>
__global__ void column_sums_kernel(ChannelParts parts, Source source, typename Source::Sums* partial, Finish finish) {
  using Sums = typename Source::Sums;
  constexpr int warps = block_threads / warp_lanes;
  FASTNN_SHARED(Sums, of_warp, [warps][warp_lanes]);
  const int64_t columns = parts.channels * parts.inner, tiles = (columns + warp_lanes - 1) / warp_lanes;
  const int64_t tile = block_of_grid() % tiles, part = block_of_grid() / tiles;
  const int64_t column = tile * warp_lanes + lane_of_warp(), begin = part * parts.length;
  const int64_t end = column < columns ? smaller(begin + parts.length, parts.items) : begin;
  const auto of_channel = source.of_channel(smaller(column, columns - 1) / parts.inner);
  Sums sums = Source::none();
  for_each_batch<values_at_once / 2>(begin + warp_of_block(), end, int64_t{warps},
                                     [&]<size_t count>(const int64_t (&row)[count]) {
                                       int64_t at[count];
                                       FASTNN_UNROLL
                                       for (int i = 0; i < static_cast<int>(count); ++i) {
                                         at[i] = row[i] * columns + column;
                                       }
                                       of_channel.template take<1>(sums, at);
                                     });
  of_warp[warp_of_block()][lane_of_warp()] = sums;
  __syncthreads();
  if (warp_of_block() > 0 || column >= columns) return;
  for (int w = 1; w < warps; ++w) sums = typename Source::Join{}(sums, of_warp[w][lane_of_warp()]);
  put_part<Source>(parts, part, column, sums, partial, finish);
}

inline ChannelParts column_parts(const AxisView& view) {
  constexpr int64_t least_rows = 64;
  const int64_t tiles = ceil_div(view.axis_size * view.inner, warp_lanes);
  const int64_t most = std::max<int64_t>(1, ceil_div(view.outer, least_rows));
  const int64_t parts = std::clamp<int64_t>(ceil_div(enough_blocks, tiles), 1, most);
  return {view.axis_size, view.inner, parts, ceil_div(view.outer, parts), view.outer};
}

// --- both ----------------------------------------------------------------------------------------

// A warp a channel.
template <class Source, class Finish>
__global__ void join_parts_kernel(ChannelParts parts, const typename Source::Sums* partial, Finish finish) {
  const int64_t channel = thread_of_grid() / warp_lanes, inner = parts.inner;
  if (channel >= parts.channels) return;
  typename Source::Sums sums = Source::none();
  for (int64_t i = lane_of_warp(); i < parts.parts * inner; i += warp_lanes) {
    sums = typename Source::Join{}(sums, partial[(i / inner * parts.channels + channel) * inner + i % inner]);
  }
  sums = warp_reduce(sums, typename Source::Join{});
  if (lane_of_warp() == 0) finish(channel, sums);
}

template <class Source, class Finish>
void join_parts(const char* name, const ChannelParts& parts, const typename Source::Sums* partial,
                const Finish& finish) {
  launch(name, &join_parts_kernel<Source, Finish>, grid_for(parts.channels * warp_lanes), parts, partial, finish);
}

inline Grid blocks_of(int64_t count) { return {static_cast<unsigned>(count), block_threads}; }

template <size_t size, class Source, class Finish>
void plane_sums(const char* name, const AxisView& view, const ChannelParts& parts, const Source& source,
                typename Source::Sums* partial, const Finish& finish) {
  by_width(fits_32_bits(view.outer * view.axis_size * view.inner), [&](auto index) {
    using I = decltype(index);
    launch(name, &channel_sums_kernel<I, size, Source, Finish>, blocks_of(parts.channels * parts.parts), parts,
           ChannelItems<I, size>(view), source, partial, finish);
  });
}

// finish(c, sums) for every channel; the arrays that the source reads are aligned to packs or not.
template <class Source, class Finish>
void sums_by_channel(const char* name, const AxisView& view, bool aligned, const Source& source, const Finish& finish) {
  constexpr size_t size = 16 / sizeof(typename Source::Value);
  const bool packed = aligned && view.inner % static_cast<int64_t>(size) == 0;
  const ChannelParts parts = as_columns(view) ? column_parts(view) : plane_parts(view, packed ? size : 1);
  const int64_t count = parts.parts * parts.channels * parts.inner;
  const bool split = parts.parts * parts.inner > 1;
  auto* partial = split ? scratch<typename Source::Sums>(count) : nullptr;
  if (as_columns(view)) {
    const int64_t tiles = ceil_div(parts.channels * parts.inner, warp_lanes);
    launch(name, &column_sums_kernel<Source, Finish>, blocks_of(tiles * parts.parts), parts, source, partial, finish);
  } else if (packed) {
    plane_sums<size>(name, view, parts, source, partial, finish);
  } else {
    plane_sums<1>(name, view, parts, source, partial, finish);
  }
  if (split) join_parts<Source>(name, parts, partial, finish);
}

// --- every element -------------------------------------------------------------------------------

// y = function(terms of the channel, inputs...), packs at a time, which may lie in one channel or in several.
template <class T, class I, size_t size, bool one_channel, class Function, class... Inputs>
__global__ void map_channels_kernel(int64_t packs, Divider<I> by_inner, Divider<I> by_channels, Function function, T* y,
                                    const Inputs*... inputs) {
  const auto channel = [&](int64_t element) {
    return by_channels.remainder(by_inner.quotient(static_cast<I>(element)));
  };
  const int64_t at = thread_of_grid();
  if (at >= packs) return;
  const auto apply = [&](const auto&... x) {
    Pack<T, size> result;
    auto terms = function.of_channel(channel(at * result.size));
    FASTNN_UNROLL
    for (int i = 0; i < result.size; ++i) {
      if (!one_channel && i > 0) terms = function.of_channel(channel(at * result.size + i));
      result.lane[i] = function(terms, x.lane[i]...);
    }
    store_pack(y, at, result);
  };
  apply(load_pack<T, size>(inputs, at)...);
}

template <class T, class Function, class... Inputs>
void map_channels(const char* name, const AxisView& view, const Function& function, T* y, const Inputs*... inputs) {
  constexpr size_t size = 16 / sizeof(T);
  const int64_t n = view.outer * view.axis_size * view.inner, pack = Pack<T>::size;
  const auto run = [&](auto kernel, int64_t packs, auto index) {
    using I = decltype(index);
    launch(name, kernel, grid_for(packs), packs, Divider<I>(view.inner), Divider<I>(view.axis_size), function, y,
           inputs...);
  };
  by_width(fits_32_bits(n), [&](auto index) {
    using I = decltype(index);
    if (!aligned_to_packs(y, inputs...) || n % pack != 0) {
      run(&map_channels_kernel<T, I, 1, true, Function, Inputs...>, n, index);
    } else if (view.inner % pack == 0) {
      run(&map_channels_kernel<T, I, size, true, Function, Inputs...>, n / pack, index);
    } else {
      run(&map_channels_kernel<T, I, size, false, Function, Inputs...>, n / pack, index);
    }
  });
}

}  // namespace fastnn::cuda
