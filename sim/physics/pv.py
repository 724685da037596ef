"""From sunlight on the panel to direct current."""

from sim.physics.kernel import kernel


@kernel
def cell_temperature_c(irradiance_w_m2: float, air_temp_c: float, wind_m_s: float, u0: float, u1: float) -> float:
    """Return the cell temperature [degC] from plane irradiance [W/m2], air temperature [degC] and wind [m/s].

    `u0` [W/m2/K] and `u1` [W s/m3/K] are the module's heat loss coefficients.
    Source: D. Faiman, Progress in Photovoltaics 16(4), 2008.

    >>> round(cell_temperature_c(900.0, 20.0, 5.0, 25.0, 6.84), 3)
    35.203
    """
    return air_temp_c + irradiance_w_m2 / (u0 + u1 * wind_m_s)


@kernel
def pv_power_w(irradiance_w_m2: float, cell_temp_c: float, rated_w: float, coeff_per_c: float) -> float:
    """Return the DC power of an array at its maximum power point [W], never below 0.

    Irradiance on the plane, >= 0 [W/m2]; cell temperature [degC]; rated power at 1000 W/m2 and 25 degC [W];
    relative change per degree, about -0.004 [1/degC]. Raises nothing: the inputs were checked when the weather was
    read; NaN in gives NaN out. Source: A. P. Dobos, PVWatts Version 5 Manual, NREL/TP-6A20-62641, 2014.

    >>> round(pv_power_w(900.0, 30.0, 100.0, -0.003), 2)
    88.65
    """
    power_w = irradiance_w_m2 / 1000.0 * rated_w * (1.0 + coeff_per_c * (cell_temp_c - 25.0))
    return power_w if not power_w < 0.0 else 0.0  # written so that NaN passes through


@kernel
def pwm_power_w(
    irradiance_w_m2: float,
    cell_temp_c: float,
    rated_w: float,
    current_coeff_per_c: float,
    voltage_ratio: float,
) -> float:
    """Return the DC power of an array behind a PWM controller, which holds the panel at battery voltage [W].

    The current hardly depends on voltage below the maximum power point, so power = Imp(G, T) x V_battery.
    `voltage_ratio` = V_battery / V_mp at 25 degC (12.8 V on a 36-cell, 18 V panel: 0.71); `current_coeff_per_c` is the
    relative change of the current, about +0.0005 [1/degC]. Valid while V_battery stays below V_mp.
    """
    power_w = irradiance_w_m2 / 1000.0 * rated_w * voltage_ratio * (1.0 + current_coeff_per_c * (cell_temp_c - 25.0))
    return power_w if not power_w < 0.0 else 0.0
