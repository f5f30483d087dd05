// The backend that a unit is compiled for. The headers here declare each operation once, in its namespace: cpu, or
// cuda where the build defines it; a unit sees one of them alone. Pointers are then of host or of device memory.
#pragma once

#ifndef FASTNN_BACKEND
#define FASTNN_BACKEND cpu
#endif
