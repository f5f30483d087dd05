// What becomes of the losses of all positions: themselves, their mean (of none: NaN), or their sum.
#pragma once

namespace fastnn {

enum class Reduction { none, mean, sum };

}  // namespace fastnn
